"""Facts: the event that records a row which is no line of a page."""

from __future__ import annotations

from ledger.credits import ZERO, Credits
from ledger.events import (
    CreditsAdjusted,
    CreditsPurchased,
    CreditsRefunded,
    Stamp,
    TransferReceived,
    TransferSent,
)
from ledger.files.rows import Row
from ledger.money import Money
from ledger.pages import Line
from ledger.times import from_us

# What a page's header says of its countries: the file told them, no number library.
NUMBERS_BY_FILE = "file"


def change_of(row: Row, stamp: Stamp) -> CreditsPurchased | CreditsRefunded | CreditsAdjusted:
    """Make the event of a purchase, a refund, a gift or an adjustment."""
    match row.kind:
        case "purchase":
            return _purchased(row, stamp)
        case "refund":
            return CreditsRefunded(
                **stamp.at(from_us(row.at_us)),
                refund_id=str(row.id),
                bill_id=row.bill,
                credits=Credits(-row.milli),
                net=_money(row.net),
                tax=_money(row.vat),
            )
        case _:
            return CreditsAdjusted(
                **stamp.at(from_us(row.at_us)),
                adjustment_id=str(row.id),
                kind="gift" if row.kind == "gift" else "adjustment",
                credits=Credits(row.milli),
            )


def _purchased(row: Row, stamp: Stamp) -> CreditsPurchased:
    return CreditsPurchased(
        **stamp.at(from_us(row.at_us)),
        bill_detail_id=str(row.id),
        bill_id=row.bill,
        order_id=None,
        description=None,
        quantity=None,
        unit_price=None,
        total_price=_money(row.net),
        tax=_money(row.vat),
        bill_net=None,
        bill_tax=None,
        bill_gross=None,
        credits=Credits(row.milli),
        gift_credits=ZERO,
        read_by="file",
    )


def _money(text: str | None) -> Money | None:
    return None if text is None else Money.from_text(text)


def legs_of(
    row: Row, source: str, target: str, stamp: Stamp
) -> tuple[TransferSent, TransferReceived]:
    """Make both legs of a transfer, given its sending row."""
    at, transfer, credits = from_us(row.at_us), str(row.id), Credits(-row.milli)
    sent = TransferSent(
        **stamp.at(at), transfer=transfer, counter_account=target, credits=credits
    )
    received = TransferReceived(
        **stamp.at(at), transfer=transfer, counter_account=source, credits=credits
    )
    return sent, received


def line_of(row: Row, *, tag: str | None, batch: str | None) -> Line:
    """Make the line of a page; `tag` and `batch` are what may be kept of the row's."""
    return Line(
        id=row.id,
        at_us=row.at_us,
        milli=-row.milli,
        parts=row.parts,
        country=row.country,
        batch=batch,
        tag=tag,
    )
