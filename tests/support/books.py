"""Books for tests: a ledger written from a drawing, through the service as any command would.

    customer ab12345-ovh Europe/Rome
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-01 10:00 sms 1.4
    2026-10-02 08:00 purchase 250 bill-1
    2026-10-02 09:30 correct 1 0.7
    2026-10-02 18:00 saw 348.6

A line is `DATE TIME WORD CREDITS REST…` in the customer's local time, of the account that was
named last. Lines of one kind that follow each other make one page; messages are numbered 1, 2,
3 … in each account. `sms 1.4 tag=otp country=FR batch=b-1 user=anna` has labels; who sent the
lines of a page is the next event. `send-by 3,4 anna` says so later.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from stores import Store, sqlite_template

import cli
from ledger import account as accounts
from ledger import consumption, customer, observation
from ledger.credits import Credits
from ledger.database import Address, Database, connect, parse_address
from ledger.events import (
    LINE_KINDS,
    BalanceObserved,
    Coverage,
    CreditsAdjusted,
    CreditsPurchased,
    CreditsRefunded,
    FromOperator,
    LineKind,
    Pending,
    Reading,
    Stamp,
    TransferReceived,
    TransferSent,
)
from ledger.money import Money
from ledger.pages import Line, attribute
from ledger.service import Ledger, Work
from ledger.times import to_us

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
RECORDED_AT = datetime(2026, 11, 2, 8, tzinfo=UTC)


@dataclass(frozen=True)
class Ran:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.out)

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.document["rows"]


@dataclass
class Books:
    """A ledger; `type` runs a command on it as a person would."""

    place: str
    store: Store | None = None  # where there is one, what is drawn first is drawn only once
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Rome"))
    customer: str = ""
    account: str = ""
    lines: dict[str, dict[int, tuple[int, Line]]] = field(default_factory=dict)
    drawn: dict[str, int] = field(default_factory=dict)
    waiting: list[tuple[str, LineKind, Line]] = field(default_factory=list)
    users: dict[int, str] = field(default_factory=dict)
    commands: int = 0

    @property
    def url(self) -> str:
        """The address of the ledger, which is there as soon as somebody asks for it."""
        if self.store is not None:
            self.store.make(self.place)
        return self.place

    @property
    def address(self) -> Address:
        return parse_address(str(self.url))

    @property
    def path(self) -> Any:
        """The file, where the ledger lies in one; else its address."""
        return self.address if isinstance(self.address, Path) else self.url

    def type(self, *words: str) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = cli.run(["--database", str(self.url), "--actor", "tester", *words])
        return Ran(status, out.getvalue(), err.getvalue())

    def rows(self, *words: str) -> list[dict[str, Any]]:
        ran = self.type(*words, "-O", "json")
        assert ran.out, ran
        return ran.rows

    def database(self) -> Database:
        return connect(self.address)

    def table(self, query: str) -> list[tuple[Any, ...]]:
        database = self.database()
        try:
            return list(database.execute(query))
        finally:
            database.close()

    def draw(self, drawing: str, *, together: bool = False) -> Books:
        """Record a drawing, event by event, or all of it in one transaction."""
        if self.store is None or self.commands:
            self._write(drawing, together)
        elif self.store.restore(self.place, key := f"{together} {drawing}"):
            vars(self).update(deepcopy(_DRAWN[key]), place=self.place, store=self.store)
        else:
            self._write(drawing, together)
            self.store.keep(self.url, key)
            _DRAWN[key] = deepcopy({**vars(self), "store": None})
        return self

    def _write(self, drawing: str, together: bool) -> None:
        with Ledger(self.address) as ledger:
            run = _Together() if together else ledger.work
            for text in drawing.splitlines():
                words = text.split()
                if words and not words[0].startswith("#"):
                    self._draw(run, words)
            self._send(run)
            if isinstance(run, _Together):
                ledger.work(run.everything)

    def stamp(self) -> Stamp:
        self.commands += 1
        return Stamp(
            recorded_at=RECORDED_AT + timedelta(seconds=self.commands),
            actor="drawer",
            command_id=f"drawn-{self.commands}",
            source=FromOperator(),
        )

    def _draw(self, run: Run, words: list[str]) -> None:
        if words[0] == "customer":
            self._send(run)
            self._customer(run, words[1], *words[2:])
        elif words[0] == "account":
            self._send(run)
            self._account(run, words[1])
        else:
            local = datetime.fromisoformat(f"{words[0]} {words[1]}")
            at = local.replace(tzinfo=local.tzinfo or self.zone).astimezone(UTC)
            self._happen(run, at, words[2], words[3:])

    def _customer(
        self, run: Run, name: str, zone: str = "Europe/Rome", subsidiary: str | None = None
    ) -> None:
        self.customer, self.zone, stamp = name, ZoneInfo(zone), self.stamp()

        def decide(work: Work) -> None:
            state = work.customer(name)
            new = customer.register(
                state, subsidiary=subsidiary, time_zone=zone, stamp=stamp, at=LONG_AGO
            )
            work.record(state, new)

        run(decide)

    def _account(self, run: Run, name: str) -> None:
        self.account, owner, stamp = name, self.customer, self.stamp()

        def decide(work: Work) -> None:
            state = work.account(name)
            new = accounts.open_account(state, owner, created_on=None, stamp=stamp, at=LONG_AGO)
            work.record(state, new)

        run(decide)

    def _happen(self, run: Run, at: datetime, word: str, rest: list[str]) -> None:
        kind = "consumption" if word == "sms" else word
        if kind in LINE_KINDS:
            number = self.drawn[self.account] = self.drawn.get(self.account, 0) + 1
            self.lines.setdefault(self.account, {})
            milli = Credits.parse(rest[0]).milli
            labels = dict(label.split("=") for label in rest[1:])
            user = labels.pop("user", None)
            line = Line(id=number, at_us=to_us(at), milli=milli, parts=1, **labels)
            if self.waiting and self.waiting[-1][1] != kind:
                self._send(run)
            self.waiting.append((self.account, kind, line))
            if user:
                self.users[number] = user
            return
        self._send(run)
        make = getattr(self, f"_{word.replace('-', '_')}")
        make(run, at, *rest)

    def _send(self, run: Run) -> None:
        if not self.waiting:
            return
        name, kind, _ = self.waiting[0]
        lines, stamp = [line for *_, line in self.waiting], self.stamp()
        users = list(self.users.items())
        self.waiting, self.users = [], {}

        def decide(work: Work) -> None:
            state = work.consumption(name)
            recording = consumption.record_lines(
                state, kind, lines, {}, numbers="none", stamp=stamp
            )
            work.record(state, recording.pages)
            for line in lines:
                self.lines[name][int(line.id)] = (state.version, line)
            if users:
                work.record(state, [attribute(kind, users, stamp=stamp, at_us=lines[-1].at_us)])

        run(decide)

    def _send_by(self, run: Run, at: datetime, numbers: str, user: str) -> None:
        """Say later who sent some lines: `send-by 3,4 anna`; all of one kind."""
        name, stamp = self.account, self.stamp()
        users = [(int(number), user) for number in numbers.split(",")]

        def decide(work: Work) -> None:
            told = attribute("consumption", users, stamp=stamp, at_us=to_us(at))
            work.record(work.consumption(name), [told])

        run(decide)

    def _correct(self, run: Run, _at: datetime, number: str, credits: str) -> None:
        name, stamp = self.account, self.stamp()

        def decide(work: Work) -> None:
            state = work.consumption(name)
            version, known = self.lines[name][int(number)]
            found = Line(
                id=known.id, at_us=known.at_us, milli=Credits.parse(credits).milli, parts=1
            )
            recording = consumption.record_lines(
                state,
                "consumption",
                [found],
                {known.id: (version, known)},
                numbers="none",
                stamp=stamp,
            )
            work.record(state, recording.corrections)

        run(decide)

    def _not_billed(self, run: Run, at: datetime, number: str) -> None:
        name, stamp = self.account, self.stamp()

        def decide(work: Work) -> None:
            state = work.consumption(name)
            _, line = self.lines[name][int(number)]
            new = consumption.note_not_billed(state, "consumption", [line], stamp=stamp, at=at)
            work.record(state, new)

        run(decide)

    def _opening(self, run: Run, at: datetime, credits: str, moved: str = "0") -> None:
        """Open a balance; another one restates it, `moved` being what moved in between."""
        owned, between = Credits.parse(credits, signed=True), Credits.parse(moved, signed=True)
        stamp = self.stamp()

        def new(state: accounts.Account) -> tuple[Any, ...]:
            if state.opening is None:
                return accounts.open_balance(state, owned, basis="stated", stamp=stamp, at=at)
            return accounts.restate_opening(
                state, owned, moved=between, basis="stated", stamp=stamp, at=at
            )

        self._record(run, new)

    def _record(self, run: Run, new: Callable[[accounts.Account], tuple[Any, ...]]) -> None:
        name = self.account

        def decide(work: Work) -> None:
            state = work.account(name)
            work.record(state, new(state))

        run(decide)

    def _purchase(self, run: Run, at: datetime, credits: str, line: str, *said: str) -> None:
        """Buy credits: `purchase 250 b-1 net=8.75 vat=1.93 gift=10 bill=IT1 currency=GBP`.

        `bill-net=17.50 bill-vat=3.85` are those of the whole bill.
        """
        told = dict(word.split("=") for word in said)
        currency = told.get("currency", "EUR")
        net, vat, bill_net, bill_vat = (
            Money.parse(told[key], currency) if key in told else None
            for key in ("net", "vat", "bill-net", "bill-vat")
        )
        event = CreditsPurchased(
            **self.stamp().at(at),
            bill_detail_id=line,
            bill_id=told.get("bill"),
            order_id=None,
            description=None,
            quantity=None,
            unit_price=None,
            total_price=net,
            tax=vat,
            bill_net=bill_net,
            bill_tax=bill_vat,
            bill_gross=None,
            credits=Credits.parse(credits),
            gift_credits=Credits.parse(told.get("gift", "0")),
            read_by="operator",
        )
        self._record(run, lambda state: accounts.record_once(state, event))

    def _recharge(self, run: Run, at: datetime, credits: str, bill: str) -> None:
        self._purchase(run, at, credits, bill)
        stamp = self.stamp()
        self._record(
            run,
            lambda state: accounts.attribute_purchase(
                state, bill, "automatic", evidence="the order", stamp=stamp, at=at
            ),
        )

    def _refund(
        self, run: Run, at: datetime, credits: str, reference: str, bill: str | None = None
    ) -> None:
        event = CreditsRefunded(
            **self.stamp().at(at),
            refund_id=reference,
            bill_id=bill,
            credits=Credits.parse(credits),
            net=None,
            tax=None,
        )
        self._record(run, lambda state: accounts.record_once(state, event))

    def _gift(self, run: Run, at: datetime, credits: str, reference: str) -> None:
        self._adjust(run, at, "gift", credits, reference)

    def _adjustment(self, run: Run, at: datetime, credits: str, reference: str) -> None:
        self._adjust(run, at, "adjustment", credits, reference)

    def _adjust(self, run: Run, at: datetime, kind: Any, credits: str, reference: str) -> None:
        event = CreditsAdjusted(
            **self.stamp().at(at),
            adjustment_id=reference,
            kind=kind,
            credits=Credits.parse(credits, signed=True),
        )
        self._record(run, lambda state: accounts.record_once(state, event))

    def _transfer(self, run: Run, at: datetime, credits: str, other: str, name: str) -> None:
        """Move credits to another account of the drawing, in one transaction."""
        source, stamp, moved = self.account, self.stamp(), Credits.parse(credits)

        def decide(work: Work) -> None:
            sent = TransferSent(
                **stamp.at(at), transfer=name, counter_account=other, credits=moved
            )
            received = TransferReceived(
                **stamp.at(at), transfer=name, counter_account=source, credits=moved
            )
            work.record(work.account(source), [sent])
            work.record(work.account(other), [received])

        run(decide)

    def _threshold(self, run: Run, at: datetime, threshold: str, amount: str) -> None:
        stamp, bought = self.stamp(), None if amount == "off" else int(amount)
        self._record(
            run,
            lambda state: accounts.see_recharge_settings(
                state, Credits.parse(threshold), bought, stamp=stamp, at=at
            ),
        )

    def _break(self, run: Run, at: datetime, credits: str, kind: Any, reference: str) -> None:
        stamp = self.stamp()
        found = None if credits == "?" else Credits.parse(credits, signed=True)
        self._record(
            run,
            lambda state: accounts.open_break(
                state, kind, reference, credits=found, text=f"a {kind}", stamp=stamp, at=at
            ),
        )

    def _close(self, run: Run, at: datetime, credits: str) -> None:
        stamp, left = self.stamp(), Credits.parse(credits, signed=True)
        self._record(
            run,
            lambda state: accounts.close_account(
                state, left, write_off=True, stamp=stamp, at=at
            ),
        )

    def _saw(self, run: Run, at: datetime, left: str, *rest: str) -> None:
        """What OVH said: `saw 12.5 held 3 jobs 2 1.4 moving`; only the first part is a must.

        `since 2026-10-31T23:59` tells of the oldest job; `owned 20` and `users 0` let it
        contradict itself.
        """
        words = list(rest)
        held = Credits.parse(words[words.index("held") + 1]) if "held" in words else Credits(0)
        pending = None
        if "jobs" in words:
            place = words.index("jobs")
            in_flight = Credits.parse(words[place + 2])
            oldest = at
            if "since" in words:
                local = datetime.fromisoformat(words[words.index("since") + 1])
                oldest = local.replace(tzinfo=self.zone).astimezone(UTC)
            pending = Pending(int(words[place + 1]), in_flight, oldest)
        owned = Credits.parse(left, signed=True) + held
        if "owned" in words:
            owned = Credits.parse(words[words.index("owned") + 1])
        users = int(words[words.index("users") + 1]) if "users" in words else int(bool(held))
        reading = Reading(at, left, str(held))
        seen = BalanceObserved(
            **self.stamp().at(at),
            before=reading,
            after=reading,
            quiet="moving" not in words,
            owned=owned,
            held=held,
            users_with_quota=users,
            quota_left=held,
            pending=pending,
            status="enable",
            channel="standard",
            smpp=False,
            coverage=Coverage(outgoing=at, incoming=at, hlr=at, jobs=at, bills=at),
        )
        name, zone = self.account, self.zone

        def decide(work: Work) -> None:
            state = work.observations(name)
            work.record(state, observation.observe(state, seen, zone=zone))

        run(decide)

    def _import(self, run: Run, at: datetime, sha256: str, *, complete: bool = False) -> None:
        name, stamp = self.customer, self.stamp()

        def decide(work: Work) -> None:
            state = work.customer(name)
            facts = {"rows": 3, "total": Credits(0), "stamp": stamp, "at": at}
            if complete:
                work.record(state, customer.complete_import(state, sha256, recorded=3, **facts))
            else:
                work.record(state, customer.start_import(state, sha256, **facts))

        run(decide)

    def _imported(self, run: Run, at: datetime, sha256: str) -> None:
        self._import(run, at, sha256, complete=True)


# What the books know of a ledger that was kept, by its drawing.
_DRAWN: dict[str, dict[str, Any]] = {}

Run = Callable[[Callable[[Work], None]], None]


class _Together:
    """Keeps the decisions, to make them all in one transaction."""

    def __init__(self) -> None:
        self._decisions: list[Callable[[Work], None]] = []

    def __call__(self, decide: Callable[[Work], None]) -> None:
        self._decisions.append(decide)

    def everything(self, work: Work) -> None:
        for decide in self._decisions:
            decide(work)


def books_in(folder: Path, name: str = "ledger.db") -> Books:
    """Give an empty ledger in a file of a folder."""
    path = folder / name
    shutil.copyfile(sqlite_template(), path)
    return Books(str(path))
