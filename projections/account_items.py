"""What is to be so of an account before its month is closed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.credits import ZERO, Credits
from ledger.events import BalanceObserved
from ledger.names import break_name
from ledger.times import from_us
from projections.books import Book
from projections.cases import Case, Part
from projections.claims import OpenBreak
from projections.close_items import Found, Items, Subject
from projections.covering import in_flight
from projections.words import many


@dataclass(frozen=True, slots=True)
class Covered:
    """An account: the look at OVH that covers the month; the accepted part of its drift."""

    at: datetime | None
    unexplained: Credits
    accepted: tuple[str, ...]


class AccountItems:
    """Adds the items of one account: `case` is its drift, `seen` the look that covers it."""

    def __init__(
        self, items: Items, book: Book, case: Case | None, seen: BalanceObserved | None
    ) -> None:
        self._items = items
        self._month = items.month
        self._book = book
        self._name = book.account
        self._case = case
        self._seen = seen
        parts = () if case is None else case.parts
        self._parts = [part for part in parts if self._concerns(part)]

    def add(self) -> Covered:
        self._opening()
        self._covered()
        self._reconciled()
        self._breaks()
        stands = [part for part in self._parts if part.status == "accepted"]
        return Covered(
            self._seen.happened_at if self._seen else None,
            sum((part.credits for part in stands), ZERO),
            tuple(f"{self._name}/{name}" for name in self._accepted(stands)),
        )

    def _concerns(self, part: Part) -> bool:
        """Tell whether a part of the drift may have arisen before the month's end.

        Of an accepted one only the look that showed it first is known.
        """
        if part.status == "accepted" and self._seen is not None:
            return from_us(part.at_us) <= self._seen.happened_at
        return part.after_us < self._month.end_us

    def _accepted(self, stands: Sequence[Part]) -> Iterator[str]:
        """Name what was accepted before: differences that stand, and breaks of the month."""
        yield from (break_name(part.break_kind, part.reference) for part in stands)
        decided = self._case.decided.accepted.values() if self._case else ()
        for one in decided:
            if not one.credits and self._month.start <= one.first_seen_at < self._month.end:
                yield break_name(one.kind, one.reference)

    def _say(
        self, subject: Subject, text: str, next: str | None = None, accept_as: str | None = None
    ) -> None:
        told = f"{self._name}: {text}"
        self._items.say(subject, told, next, account=self._name, accept_as=accept_as)

    def _opening(self) -> None:
        name, at_us = self._name, self._book.opening_at_us
        if at_us is not None and at_us < self._month.end_us:
            self._say("opening", "its balance is known")
            return
        self._say(
            "opening",
            "no opening is known, so that its balance is not either",
            f"type `sms-ledger sync {name}`, import its opening, or --accept {name}",
            accept_as=name,
        )

    def _covered(self) -> None:
        name, book, seen = self._name, self._book, self._seen
        if book.closed_at_us is not None and book.closed_at_us < self._month.end_us:
            left = book.local(book.closed_at_us)
            self._say("covered", f"it left the books on {left:%Y-%m-%d}")
        elif seen is not None:
            at = seen.happened_at.astimezone(book.zone)
            text = f"OVH's lists were read through its end, at {at:%Y-%m-%d %H:%M:%S}"
            self._say("covered", f"{text}{in_flight(seen, self._month)}")
        else:
            self._say(
                "covered",
                "no look at OVH covers the month through its end",
                f"type `sms-ledger sync {name}`, or --accept {name} if OVH is not to be asked",
                accept_as=name,
            )

    def _reconciled(self) -> None:
        drift = None if self._case is None else self._case.drift
        if drift is None or drift.milli is None:
            return  # nothing to be compared with: its other items say so
        open = [part for part in self._parts if part.status == "open"]
        concluded = drift.seen.quiet and not drift.faults
        if not concluded:
            what = "contradicts itself" if drift.faults else "saw its balance move"
            self._say(
                "reconciled",
                f"the last look at OVH {what}: nothing can be concluded from it",
                f"type `sms-ledger sync {self._name}`",
            )
        for part in open:
            seen = f"{self._book.local(part.at_us):%Y-%m-%d %H:%M:%S}"
            text = f"{part.credits} credits are unexplained, seen first at {seen}"
            self._break("reconciled", text, _of_part(self._name, part))
        if concluded and not open:
            explained = [part for part in self._parts if part.status == "explained"]
            text = f"no difference to OVH is unexplained{_not_booked(explained)}"
            self._say("reconciled", text)

    def _breaks(self) -> None:
        if self._case is None:
            return
        known = self._case.known.breaks
        open = [one for one in known if one.opened_us < self._month.end_us]
        for one in open:
            self._break("break", one.text, _of_break(self._name, one, self._case.parts))
        if not open:
            self._say("break", "no break is open")

    def _break(self, subject: Subject, text: str, found: Found) -> None:
        name = f"{self._name}/{found.break_id}"
        self._items.say(
            subject,
            f"{self._name}: {text}",
            f"read `sms-ledger recon explain {self._name}`, then type `sms-ledger recon adjust"
            f" {name} --reason TEXT`, or --accept {name}",
            account=self._name,
            accept_as=name,
            found=found,
        )


def _of_part(account: str, part: Part) -> Found:
    name = break_name(part.break_kind, part.reference)
    at = from_us(part.at_us)
    return Found(account, name, part.break_kind, part.reference, part.credits, at)


def _of_break(account: str, one: OpenBreak, parts: Sequence[Part]) -> Found:
    """Give a break that an event opened; where it explains no drift, it moves no credits."""
    for part in parts:
        if (part.break_kind, part.reference) == (one.kind, one.reference):
            return _of_part(account, part)
    return Found(account, one.id, one.kind, one.reference, None, from_us(one.opened_us))


def _not_booked(explained: Sequence[Part]) -> str:
    """Tell what is known and not booked: afterwards, the month would have to be reopened."""
    if not explained:
        return ""
    named = ", ".join(f"{part.kind} {part.credits}" for part in explained)
    return f"; {many(len(explained), 'explained one')} not booked: {named}"
