"""OVH's rows as lines of the ledger. Receivers and senders end here: only a country goes on."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal, Protocol

from ledger.countries import country_of
from ledger.credits import Credits
from ledger.names import may_be_kept
from ledger.ovh.gateway import HlrLookup, Incoming, Outgoing
from ledger.pages import Line
from ledger.times import to_us

# OVH states no cost for a lookup; its guides and its panel say 0.1 credit. A line names the
# rule that told its cost by number: another price would be another rule.
HLR_MILLI: Final = 100
HLR_RULE: Final = 1


class KeepLabel(Protocol):
    def __call__(self, kind: Literal["tag", "batch"], text: str | None) -> str | None:
        """Give the label itself, or the alias that stands for it; None for no label."""
        ...


def outgoing_line(row: Outgoing, *, keep: KeepLabel) -> Line:
    """Make the line of a sent SMS. Raises TooFine."""
    country, calling_code = country_of(row.receiver)
    return Line(
        id=row.id,
        at_us=to_us(row.creationDatetime),
        milli=_milli(row.credits),
        parts=row.numberOfSms,
        country=country,
        calling_code=calling_code,
        tariff=row.tariffCode if may_be_kept(row.tariffCode) else None,
        receipt=row.deliveryReceipt,
        deferral=row.differedDelivery or None,
        length=row.messageLength,
        batch=keep("batch", row.batchID),
        tag=keep("tag", row.tag),
    )


def incoming_line(row: Incoming, *, keep: KeepLabel) -> Line:
    """Make the line of a received reply. Raises TooFine."""
    country, calling_code = country_of(row.sender)
    return Line(
        id=row.id,
        at_us=to_us(row.creationDatetime),
        milli=_milli(row.credits),
        country=country,
        calling_code=calling_code,
        tag=keep("tag", row.tag),
    )


def hlr_line(row: HlrLookup) -> Line:
    """Make the line of an HLR lookup, whose cost a rule tells."""
    country, calling_code = country_of(row.msisdn)
    return Line(
        id=row.id,
        at_us=to_us(row.datetime),
        milli=HLR_MILLI,
        country=country,
        calling_code=calling_code,
        inferred=HLR_RULE,
    )


def _milli(number: Decimal) -> int:
    return Credits.from_ovh(number).milli
