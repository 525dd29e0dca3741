"""What is to be so before a month of a customer is closed, item by item, and what to type next.

All of it is read in one state of the ledger, in which its movements are indexed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from ledger.calendars import Span
from ledger.canonical import decode
from ledger.credits import ZERO, Credits
from ledger.database import Database, Rows
from ledger.events import BalanceObserved, Coverage
from ledger.names import break_name, observations_stream
from ledger.times import from_us
from projections.books import Book
from projections.cases import Case, Part
from projections.differences import cases
from projections.periods import Close
from projections.report import NESTED
from projections.transfer_states import transfer_states
from projections.words import many

Subject = Literal[
    "over", "in order", "imports", "transfers", "opening", "covered", "reconciled", "break"
]
Status = Literal["done", "open", "accepted"]


@dataclass(frozen=True, slots=True)
class Found:
    """A break that stands: what it names, how many credits, when it was first seen (UTC)."""

    account: str
    break_id: str
    kind: str
    reference: str
    credits: Credits | None
    first_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the list; `next` says what to do where it is open.

    `accept_as` is the name by which an open one may be accepted, `found` the break that it is.
    """

    customer: str
    month: str
    subject: Subject
    account: str | None
    status: Status
    text: str
    next: str | None = None
    accept_as: str | None = None
    found: Found | None = field(default=None, metadata=NESTED)


@dataclass(frozen=True, slots=True)
class Covered:
    """An account: the look at OVH that covers the month; the accepted part of its drift."""

    at: datetime | None
    unexplained: Credits
    accepted: tuple[str, ...]


@dataclass(slots=True)
class Checklist:
    """The list of a month, with what is known of each account that it concerns.

    `now` is our clock's time, or that of a look which covers the month, if that is later.
    """

    now: datetime
    items: list[Item]
    covered: dict[str, Covered]


def concerned(rows: Rows, of: Sequence[Book], month: Span) -> list[Book]:
    """Give the accounts that were in the books by the end of a month."""
    return [book for book in of if _since_us(rows, book) < month.end_us]


def begin_us(rows: Rows, of: Sequence[Book]) -> int | None:
    """Give when the books of some accounts begin."""
    return min((_since_us(rows, book) for book in of), default=None)


def _since_us(rows: Rows, book: Book) -> int:
    """Give when an account is heard of first: its opening, or what moved without one."""
    ((first_us,),) = rows.execute(
        "SELECT MIN(first_at_us) FROM daily_total WHERE account = :account",
        account=book.account,
    )
    heard = [at for at in (book.opening_at_us, first_us) if at is not None]
    return min(heard, default=book.opened_at_us)


def checklist(
    database: Database,
    customer: str,
    of: Sequence[Book],
    month: Span,
    closed: Sequence[Close],
    *,
    now: datetime,
) -> Checklist:
    """Go through the list of a month for accounts that it concerns."""
    making = _Making(database, customer, month)
    covering = {book.account: _covering(database, book, month) for book in of}
    now = max([now, *(seen.happened_at for seen in covering.values() if seen)])
    making.over(now)
    making.in_order(closed)
    making.imports()
    making.transfers()
    compared = [book for book in of if book.closed_at_us is None]
    seen = {case.book.account: case for case in cases(database, compared)}
    for book in of:
        making.account(book, seen.get(book.account), covering[book.account])
    return Checklist(now, making.items, making.covered)


class _Making:
    """Gathers the items of one customer's month."""

    def __init__(self, database: Database, customer: str, month: Span) -> None:
        self._database = database
        self._customer = customer
        self._month = month
        self.items: list[Item] = []
        self.covered: dict[str, Covered] = {}

    def _say(
        self,
        subject: Subject,
        text: str,
        next: str | None = None,
        *,
        account: str | None = None,
        accept_as: str | None = None,
        found: Found | None = None,
    ) -> None:
        status: Status = "done" if next is None else "open"
        self.items.append(
            Item(
                self._customer, self._month.name, subject, account, status, text, next,
                accept_as, found,
            )
        )  # fmt: skip

    # --- the customer ----------------------------------------------------------------------

    def over(self, now: datetime) -> None:
        name = self._month.name
        if now >= self._month.end:
            self._say("over", f"{name} is over")
        else:
            when = f"wait until {self._month.after} begins where the customer is"
            self._say("over", f"{name} is not over", when)

    def in_order(self, closed: Sequence[Close]) -> None:
        name = self._month.name
        if not closed:
            self._say("in order", "no month is closed yet: with this one, all before it is")
        elif closed[-1].end_us == self._month.start_us:
            self._say("in order", f"{closed[-1].month} and all before are closed")
        elif name in {one.month for one in closed}:
            self._say("in order", f"{name} is closed", f"type `sms-ledger close reopen {name}`")
        else:
            last, first = closed[-1].month, closed[0].month
            before = f"all up to {first} was closed with it: close a month after {last}"
            after = f"close the month after {last} first"
            early = self._month.end_us <= closed[-1].end_us
            self._say(
                "in order", f"{last} is the last month that is closed",
                before if early else after,
            )  # fmt: skip

    def imports(self) -> None:
        begun = self._database.execute(
            "SELECT sha256, rows FROM file_import WHERE customer = :customer"
            " AND completed_at_us IS NULL ORDER BY started_at_us",
            customer=self._customer,
        )
        for sha256, rows in begun:
            self._say(
                "imports",
                f"the import of a file of {many(rows, 'row')} ({sha256[:12]}…) is not complete",
                "run `sms-ledger import` with that file again",
            )
        if not begun:
            self._say("imports", "no import is unfinished")

    def transfers(self) -> None:
        in_doubt = [
            one
            for one in transfer_states(self._database, self._customer)
            if one.is_in_doubt and one.requested_at < self._month.end
        ]
        for one in in_doubt:
            self._say(
                "transfers",
                f"the transfer of {one.credits} credits from {one.source} to {one.target} is in"
                " doubt",
                f"type `sms-ledger transfer resolve {one.id}`",
            )
        if not in_doubt:
            self._say("transfers", "no transfer is in doubt")

    # --- an account ------------------------------------------------------------------------

    def account(self, book: Book, case: Case | None, seen: BalanceObserved | None) -> None:
        self._opening(book)
        at = seen.happened_at if seen else None
        self._covered(book, at)
        parts = (
            [] if case is None else [part for part in case.parts if self._concerns(part, at)]
        )
        self._reconciled(book, case, parts)
        self._breaks(book, case)
        let_stand = [part for part in parts if part.status == "accepted"]
        self.covered[book.account] = Covered(
            at,
            sum((part.credits for part in let_stand), ZERO),
            tuple(
                f"{book.account}/{break_name(part.break_kind, part.reference)}"
                for part in let_stand
            ),
        )

    def _concerns(self, part: Part, covered_at: datetime | None) -> bool:
        """Tell whether a part of the drift may have arisen before the month's end.

        Of an accepted one only the look that showed it first is known.
        """
        if part.status == "accepted" and covered_at is not None:
            return from_us(part.at_us) <= covered_at
        return part.after_us < self._month.end_us

    def _opening(self, book: Book) -> None:
        name = book.account
        if book.opening_at_us is not None and book.opening_at_us < self._month.end_us:
            self._say("opening", f"{name}: its balance is known", account=name)
            return
        self._say(
            "opening",
            f"{name}: no opening is known, so that its balance is not either",
            f"type `sms-ledger sync {name}`, import its opening, or --accept {name}",
            account=name,
            accept_as=name,
        )

    def _covered(self, book: Book, at: datetime | None) -> None:
        name = book.account
        if book.closed_at_us is not None and book.closed_at_us < self._month.end_us:
            text = f"{name}: it left the books on {book.local(book.closed_at_us):%Y-%m-%d}"
            self._say("covered", text, account=name)
        elif at is not None:
            seen = at.astimezone(book.zone)
            text = f"{name}: OVH's lists were read through its end, at {seen:%Y-%m-%d %H:%M:%S}"
            self._say("covered", text, account=name)
        else:
            self._say(
                "covered",
                f"{name}: no look at OVH covers the month through its end",
                f"type `sms-ledger sync {name}`, or --accept {name} if OVH is not to be asked",
                account=name,
                accept_as=name,
            )

    def _reconciled(self, book: Book, case: Case | None, parts: Sequence[Part]) -> None:
        name = book.account
        open = [part for part in parts if part.status == "open"]
        explained = [part for part in parts if part.status == "explained"]
        drift = None if case is None else case.drift
        if drift is None or drift.milli is None:
            return  # nothing to be compared with: its other items say so
        if drift.faults or not drift.seen.quiet:
            what = "contradicts itself" if drift.faults else "saw its balance move"
            self._say(
                "reconciled",
                f"{name}: the last look at OVH {what}: nothing can be concluded from it",
                f"type `sms-ledger sync {name}`",
                account=name,
            )
        for part in open:
            found = Found(
                name,
                break_name(part.break_kind, part.reference),
                part.break_kind,
                part.reference,
                part.credits,
                from_us(part.at_us),
            )
            seen = book.local(part.at_us)
            self._break(
                "reconciled",
                f"{name}: {part.credits} credits are unexplained, seen first at"
                f" {seen:%Y-%m-%d %H:%M:%S}",
                found,
            )
        if not open and not drift.faults and drift.seen.quiet:
            text = f"{name}: no difference to OVH is unexplained{_not_booked(explained)}"
            self._say("reconciled", text, account=name)

    def _breaks(self, book: Book, case: Case | None) -> None:
        name = book.account
        known = () if case is None else case.known.breaks
        open = [one for one in known if one.opened_us < self._month.end_us]
        for one in open:
            credits = None if one.milli is None else Credits(one.milli)
            found = Found(
                name, one.id, one.kind, one.reference, credits, from_us(one.opened_us)
            )
            self._break("break", f"{name}: {one.text}", found)
        if case is not None and not open:
            self._say("break", f"{name}: no break is open", account=name)

    def _break(self, subject: Subject, text: str, found: Found) -> None:
        account, name = found.account, f"{found.account}/{found.break_id}"
        self._say(
            subject,
            text,
            f"read `sms-ledger recon explain {account}`, then type `sms-ledger recon adjust"
            f" {name} --reason TEXT`, or --accept {name}",
            account=account,
            accept_as=name,
            found=found,
        )


def _not_booked(explained: Sequence[Part]) -> str:
    """Tell what is known and not booked: afterwards, the month would have to be reopened."""
    if not explained:
        return ""
    named = ", ".join(f"{part.kind} {part.credits}" for part in explained)
    return f"; {many(len(explained), 'explained one')} not booked: {named}"


# --- what covers an account -------------------------------------------------------------------

_AT_ONCE: Final = 50

_OBSERVATIONS: Final = """
    SELECT l.version, s.topic, s.state FROM event_log l JOIN stored_events s
        ON s.originator_id = l.stream AND s.originator_version = l.version
    WHERE l.stream = :stream AND l.version > :after AND l.happened_at_us >= :end
    ORDER BY l.version LIMIT :at_once
"""


def _covering(rows: Rows, book: Book, month: Span) -> BalanceObserved | None:
    """Find the first look at OVH that read every list through the end of a month."""
    stream, version = observations_stream(book.account), 0
    while found := rows.execute(
        _OBSERVATIONS, stream=stream, after=version, end=month.end_us, at_once=_AT_ONCE
    ):
        for version, topic, state in found:  # noqa: B007 (the last one is where to go on)
            event = decode(topic, bytes(state))
            if isinstance(event, BalanceObserved) and _covers(event.coverage, month.end):
                return event
    return None


def _covers(read: Coverage, end: datetime) -> bool:
    """Tell whether lists were read through an instant; those that may not be read are None."""
    optional = (read.incoming, read.hlr, read.jobs, read.bills)
    return (
        read.outgoing is not None
        and read.outgoing >= end
        and all(one is None or one >= end for one in optional)
    )
