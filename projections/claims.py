"""What could explain a step of an account's drift: what OVH and the ledger say besides."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from typing import Final, NamedTuple

from ledger.canonical import decode
from ledger.credits import MILLI_PER_CREDIT, ZERO, Credits
from ledger.database import Rows
from ledger.errors import LedgerError
from ledger.events import LinesNotBilled, LinesVanished, RechargeSettingsSeen
from ledger.names import break_name, consumption_stream
from ledger.tariff import PACKS
from ledger.times import from_us, to_us
from projections.books import Book
from projections.drifts import CLOCK_US, Step
from projections.explanations import Claim
from projections.given_back import refunds_open
from projections.page_lines import lines_during
from projections.settings_seen import settings_seen
from projections.surprises import rate_surprises
from projections.transfer_states import transfer_states
from projections.words import many

# How far a bill's date may be from its credits: OVH does not say.
_BILLED: Final = timedelta(days=1) // timedelta(microseconds=1)

# Rows near an observation that are looked at one by one.
_MOST_NEAR: Final = 50

# Automatic recharges that may have come without their bill yet.
_MOST_RECHARGES: Final = 3

# Credits that came back, or not, are told of for so long.
_TOLD_US: Final = 31 * 86_400_000_000

PURCHASE: Final = "purchase not booked"
_UNBOOKED: Final = ("purchase-unreadable", "purchase-conflict")


class OpenBreak(NamedTuple):
    """A break that an event opened and nobody decided on."""

    kind: str
    reference: str
    opened_us: int
    milli: int | None
    text: str

    @property
    def id(self) -> str:
        return break_name(self.kind, self.reference)


def open_breaks(rows: Rows, account: str, until_us: int | None = None) -> list[OpenBreak]:
    """Give the open breaks of an account."""
    found = rows.execute(
        "SELECT kind, reference, opened_at_us, credits_milli, text FROM open_break"
        " WHERE account = :account AND opened_at_us <= COALESCE(:until, opened_at_us)"
        " ORDER BY opened_at_us, kind COLLATE BINARY, reference COLLATE BINARY",
        account=account,
        until=until_us,
    )
    return list(map(OpenBreak._make, found))


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an account besides its balance, until an instant."""

    breaks: tuple[OpenBreak, ...]
    surprises: tuple[Claim, ...]
    doubts: tuple[tuple[int, Claim], ...]
    refunds: tuple[tuple[int, Claim], ...]
    settings: tuple[RechargeSettingsSeen, ...]
    lines: tuple[tuple[int, Claim], ...]

    def always_told(self, at_us: int) -> Iterator[Claim]:
        """Give what is published whether it explains something or not."""
        yield from (_of_break(one) for one in self.breaks)
        yield from (claim for _, claim in (*self.doubts, *self.refunds))
        yield from self.surprises
        for since_us, claim in self.lines:
            if since_us > at_us - _TOLD_US:
                yield claim


def facts(rows: Rows, book: Book, at_us: int, until_us: int | None = None) -> Facts:
    """Read what could explain something of an account's drift at an instant."""
    surprises = rate_surprises(rows, book.account, book.customer, book.zone)
    return Facts(
        breaks=tuple(open_breaks(rows, book.account, until_us)),
        surprises=tuple(surprises),
        doubts=tuple(_transfers_in_doubt(rows, book, at_us)),
        refunds=tuple(_refunds(rows, book.account, at_us)),
        settings=tuple(one for at, one in settings_seen(rows, book.account) if at <= at_us),
        lines=tuple(_told_lines(rows, book.account, at_us)),
    )


def claims_on(rows: Rows, book: Book, step: Step, known: Facts, *, last: bool) -> list[Claim]:
    """Give what could explain a step, documents first; rows near it where it is the last."""
    claims = [_of_break(one) for one in known.breaks if _in_reach(one, step)]
    claims += _recharges(book, step, known.settings)
    claims += [
        claim
        for since_us, claim in known.lines
        if step.after_us - _TOLD_US < since_us <= step.at_us + CLOCK_US
    ]
    claims += [claim for since_us, claim in known.doubts if since_us <= step.at_us]
    claims += [claim for at_us, claim in known.refunds if _about_then(at_us, step)]
    claims += known.surprises
    if last:
        claims += _rows_near(rows, book.account, step)
    return claims


# --- breaks and bills --------------------------------------------------------------------


def _in_reach(one: OpenBreak, step: Step) -> bool:
    return one.kind not in _UNBOOKED or _about_then(one.opened_us, step)


def _about_then(billed_us: int, step: Step) -> bool:
    return step.after_us - _BILLED <= billed_us <= step.at_us + _BILLED


def _of_break(one: OpenBreak) -> Claim:
    """Word an open break.

    The difference of a restated opening was added to the ledger, so OVH shows it with the
    other sign; other breaks hold what the ledger does not have yet.
    """
    kind = PURCHASE if one.kind in _UNBOOKED else one.kind
    if one.milli is not None or kind != PURCHASE:
        milli = one.milli or 0
        credits = Credits(-milli if one.kind == "opening-difference" else milli)
        return Claim(kind, credits, one.text, one.reference, is_document=True)
    first, *others = _readings(one) or [ZERO]
    return Claim(kind, first, one.text, one.reference, others=tuple(others), is_document=True)


_NUMBER: Final = re.compile(r"(?<![\d.,])\d{1,3}(?:[ .,'\u00a0\u202f]\d{3})+(?!\d)|\d{3,6}")
_CONFLICT: Final = re.compile(r"recorded with (-?[\d.]+) credits .* found (-?[\d.]+) credits")


def _readings(one: OpenBreak) -> list[Credits]:
    """Give what a bill line that is not booked may have sold.

    Every number that it names; where it names none, the packs that OVH sells.
    """
    conflict = _CONFLICT.search(one.text)
    if conflict is None and one.kind == "purchase-conflict":
        return []  # two readings of the money alone
    if conflict is not None:
        try:
            known, found = (Credits.parse(text, signed=True) for text in conflict.groups())
        except LedgerError:
            return []
        return [found - known] if found != known else []
    words = re.sub(r"^bill \S+:", "", one.text)
    numbers = {int(re.sub(r"\D", "", text)) for text in _NUMBER.findall(words)}
    return [Credits(number * MILLI_PER_CREDIT) for number in sorted(numbers) or PACKS]


def _refunds(rows: Rows, account: str, at_us: int) -> Iterator[tuple[int, Claim]]:
    """Give the refunds: all of a line's credits may have left with it, or none."""
    for one in refunds_open(rows, account, until=from_us(at_us)):
        about = f"{one.credits} credits" if one.credits else "credits, how many is not told,"
        bill = f" of bill {one.bill_id}" if one.bill_id else ""
        text = (
            f"OVH gave {one.total_price} back for {about}{bill} with {one.refund_id}; it does"
            " not say whether they leave the account: if they did, import a row of kind refund"
            " with this id"
        )
        credits = -(one.credits or ZERO)
        yield (
            to_us(one.happened_at),
            Claim(
                "refund",
                credits,
                text,
                one.refund_id,
                is_document=True,
                id=one.refund_detail_id,
            ),
        )


# --- automatic recharge ------------------------------------------------------------------


def _recharges(
    book: Book, step: Step, settings: tuple[RechargeSettingsSeen, ...]
) -> Iterator[Claim]:
    """Give the recharges that came without a bill, after the threshold was crossed."""
    before = [one for one in settings if to_us(one.happened_at) <= step.after_us]
    within = [one for one in settings if step.after_us < to_us(one.happened_at) <= step.at_us]
    for one in {
        (seen.threshold, seen.amount): seen for seen in (*before[-1:], *within)
    }.values():
        if one.amount:
            counts = [
                count for count in range(1, _MOST_RECHARGES + 1) if _crossed(step, one, count)
            ]
            if counts:
                yield _recharge(book, step, one, counts)


def _crossed(step: Step, one: RechargeSettingsSeen, count: int) -> bool:
    """Tell whether the balance fell to the threshold before so many recharges came."""
    held = step.seen.held.milli
    came = count * (one.amount or 0) * MILLI_PER_CREDIT
    lowest, before = step.lowest - held, step.seen.owned.milli - held - came
    return before >= min(lowest, 0) and min(lowest, before) <= one.threshold.milli


def _recharge(book: Book, step: Step, one: RechargeSettingsSeen, counts: list[int]) -> Claim:
    amount = (one.amount or 0) * MILLI_PER_CREDIT
    text = (
        f"an automatic recharge of {one.amount} credits, in force below {one.threshold}: the"
        f" balance fell so far before {book.local(step.at_us):%Y-%m-%d %H:%M}, and no bill for"
        " it was read yet"
    )
    first, *others = (Credits(count * amount) for count in counts)
    return Claim(
        "recharge not billed yet",
        first,
        text,
        others=tuple(others),
        is_document=True,
        unit=Credits(amount),
    )


# --- lines -------------------------------------------------------------------------------


def _told_lines(rows: Rows, account: str, at_us: int) -> Iterator[tuple[int, Claim]]:
    for version, topic, state in rows.execute(
        "SELECT l.version, s.topic, s.state FROM event_log l JOIN stored_events s"
        " ON s.originator_id = l.stream AND s.originator_version = l.version"
        " WHERE l.stream = :stream AND l.topic IN (:not_billed, :vanished)"
        " AND l.happened_at_us <= :at ORDER BY l.version",
        stream=consumption_stream(account),
        not_billed=LinesNotBilled.TOPIC,
        vanished=LinesVanished.TOPIC,
        at=at_us + CLOCK_US,
    ):
        event = decode(topic, state)
        if isinstance(event, LinesNotBilled | LinesVanished):
            yield to_us(event.happened_at), _of_lines(event, str(version))


def _of_lines(event: LinesNotBilled | LinesVanished, id: str) -> Claim:
    """Word lines that OVH changed its mind of; only that of receipts may give credits back."""
    lines, day = many(len(event.line_ids), "recorded line"), f"{event.happened_at:%Y-%m-%d}"
    if isinstance(event, LinesNotBilled):
        text = (
            f"{lines} of {event.spent} credits, which OVH has marked as not billed since"
            f" ({day}); it does not say whether their credits come back"
        )
        return Claim("not billed", event.spent, text, in_parts=True, is_document=True, id=id)
    text = (
        f"{lines} of {event.spent} credits, which OVH does not list any more ({day}): they"
        " stand in the ledger, a row that is deleted gives no credits back"
    )
    return Claim("row vanished", event.spent, text, id=id)


def _rows_near(rows: Rows, account: str, step: Step) -> Iterator[Claim]:
    """Give what rows of the seconds around an observation may have moved."""
    stretch = (step.at_us - CLOCK_US, step.at_us + CLOCK_US)
    lines = list(lines_during(rows, account, [stretch]))
    counted = [line.milli for line in lines if line.at_us <= step.at_us][-_MOST_NEAR:]
    later = [line.milli for line in lines if line.at_us > step.at_us][:_MOST_NEAR]
    for milli, text in (
        ([-one for one in accumulate(reversed(counted))], "may have been sent just after it"),
        (list(accumulate(later)), "may have been sent just before it"),
    ):
        if any(milli):
            first, *others = (Credits(one) for one in milli)
            said = f"rows of the second of the observation, which {text}: sync again"
            yield Claim("timing", first, said, others=tuple(others))


# --- transfers in doubt ------------------------------------------------------------------


def _transfers_in_doubt(rows: Rows, book: Book, at_us: int) -> Iterator[tuple[int, Claim]]:
    for one in transfer_states(rows, book.customer):
        since_us = to_us(one.requested_at)
        if (
            not one.is_in_doubt
            or since_us > at_us
            or book.account not in {one.source, one.target}
        ):
            continue
        text = (
            f"the transfer of {one.credits} credits from {one.source} to {one.target} is in"
            f" doubt: type `sms-ledger transfer resolve {one.id}`"
        )
        moved = -one.credits if book.account == one.source else one.credits
        yield since_us, Claim("transfer in doubt", moved, text, one.id)
