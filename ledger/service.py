"""The service: load, decide, record; again when another program was first.

`Ledger.work` runs a decision on fresh states and records what it gives in one transaction. A
decision may run several times; natural keys make the second run record only what is missing,
also after a commit whose outcome was not known. One that is overtaken again and again is run
while all others wait: a long one would never come to its end beside many short ones.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from copy import copy
from dataclasses import fields
from datetime import datetime
from typing import Final, TypeVar, assert_never

from ledger import account as accounts
from ledger import consumption as consumptions
from ledger import customer as customers
from ledger import observation as observations
from ledger import period as periods
from ledger import rates as rate_books
from ledger import rule_book as rule_books
from ledger import transfer as transfers
from ledger.account import Account
from ledger.canonical import encode
from ledger.consumption import Consumption
from ledger.customer import Customer
from ledger.database import Address, connect
from ledger.database.order import whole_transaction
from ledger.errors import DatabaseBusy, IntegrityFailure
from ledger.events import (
    AccountEvent,
    BalanceObserved,
    ConsumptionEvent,
    CustomerEvent,
    LedgerEvent,
    LineKind,
    PageRecorded,
    PeriodEvent,
    RatesEvent,
    RechargeRulesStated,
    TransferEvent,
)
from ledger.movements import Movement, movements
from ledger.names import (
    RECHARGE_RULES,
    consumption_stream,
    customer_stream,
    observations_stream,
    periods_stream,
    rates_stream,
    transfers_stream,
)
from ledger.observation import Observations
from ledger.pages import Line, LineId, unpack
from ledger.period import Periods
from ledger.rates import RateBook
from ledger.rule_book import RuleBook
from ledger.storage import SNAPSHOT_EVERY, Placed, Storage, VersionConflict
from ledger.storage.verbatim import insert
from ledger.times import to_us
from ledger.totals import Recorded
from ledger.transfer import Transfers

State = (
    Customer | Account | Consumption | Observations | RateBook | RuleBook | Transfers | Periods
)
T = TypeVar("T")

_ATTEMPTS: Final = 6
_FIRST_WAIT_S: Final = 0.01


def stream_of(state: State) -> str:  # noqa: PLR0911 (one per stream)
    match state:
        case Customer():
            return customer_stream(state.name)
        case Account():
            return state.name
        case Consumption():
            return consumption_stream(state.account)
        case Observations():
            return observations_stream(state.account)
        case RateBook():
            return rates_stream(state.billing_country)
        case RuleBook():
            return RECHARGE_RULES
        case Transfers():
            return transfers_stream(state.customer)
        case Periods():
            return periods_stream(state.customer)
        case _:
            assert_never(state)


def _evolve(state: State, event: LedgerEvent) -> None:
    """Apply an event to the state of its stream; an event of another stream is a fault."""
    if isinstance(state, Customer) and isinstance(event, CustomerEvent):
        customers.evolve(state, event)
    elif isinstance(state, Account) and isinstance(event, AccountEvent):
        accounts.evolve(state, event)
    elif isinstance(state, Consumption) and isinstance(event, ConsumptionEvent):
        consumptions.evolve(state, event)
    elif isinstance(state, Observations) and isinstance(event, BalanceObserved):
        observations.evolve(state, event)
    elif isinstance(state, RateBook) and isinstance(event, RatesEvent):
        rate_books.evolve(state, event)
    elif isinstance(state, RuleBook) and isinstance(event, RechargeRulesStated):
        rule_books.evolve(state, event)
    elif isinstance(state, Transfers) and isinstance(event, TransferEvent):
        transfers.evolve(state, event)
    elif isinstance(state, Periods) and isinstance(event, PeriodEvent):
        periods.evolve(state, event)
    else:
        msg = f"expected an event of the stream {stream_of(state)}, found {event.TOPIC}"
        raise IntegrityFailure(msg)


def _draft(state: State) -> State:
    """Copy a state for a decision, so that one that is overtaken spoils nothing."""
    draft = copy(state)
    for field in fields(state):
        value = getattr(state, field.name)
        if isinstance(value, dict | list | set):
            setattr(draft, field.name, value.copy())
    return draft


def _require_none_held(work: Work) -> None:
    """Refuse to go on alone with what rests on a report: it could not be brought up to date."""
    if work.held:
        streams = ", ".join(sorted(work.held))
        msg = (
            f"expected that {streams} stand still while it is decided, found that other"
            " programs kept recording there: run the command again when they are done"
        )
        raise DatabaseBusy(msg)


def _recorded(placed: Placed) -> Recorded:
    event = placed.event
    return Recorded(
        placed.originator_id, placed.originator_version, event.TOPIC, encode(event), event
    )


class Ledger:
    """The write side of one ledger."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._storage = Storage(address)
        self._states: dict[str, State] = {}

    def close(self) -> None:
        self._storage.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def work(self, decide: Callable[[Work], T]) -> T:
        """Run a decision and record its events together. Raises DatabaseBusy and its own."""
        wait_s = 0.0
        for _ in range(_ATTEMPTS):
            work = Work(self)
            try:
                result = decide(work)
                if work.placed:
                    self._storage.append(*work.placed, held=work.held)
            except VersionConflict:
                time.sleep(wait_s * (0.5 + random.random()))  # noqa: S311 (jitter, no secret)
                # The first time at once: who was first has just come to an end.
                wait_s = 2 * wait_s or _FIRST_WAIT_S
            else:
                self._keep(work)
                return result
        _require_none_held(work)
        return self._work_alone(decide)

    def _work_alone(self, decide: Callable[[Work], T]) -> T:
        """Decide while no other program can record anything. Raises DatabaseBusy."""
        work = Work(self)
        with closing(connect(self._address)) as database, whole_transaction(database) as rows:
            result = decide(work)
            insert(rows, [_recorded(one) for one in work.placed])
        self._keep(work)
        return result

    def _keep(self, work: Work) -> None:
        """Go on from the states that are recorded now."""
        self._states.update(work.drafts)
        for state in work.drafts.values():
            if isinstance(state, Consumption):
                self._keep_snapshot(state, work.placed)

    def _keep_snapshot(self, state: Consumption, placed: list[Placed]) -> None:
        stream = consumption_stream(state.account)
        grown = sum(one.originator_id == stream for one in placed)
        if state.version % SNAPSHOT_EVERY < grown:
            self._storage.keep(state)

    def load(self, fresh: State) -> State:
        """Bring a state up to its stream, from where it was loaded last."""
        stream = stream_of(fresh)
        state = self._states.get(stream)
        if state is None:
            state = self._states[stream] = self._start(fresh)
        if isinstance(state, Observations):
            self._load_last(state)
        else:
            for _, event in self._storage.read(stream, after=state.version):
                _evolve(state, event)
        return state

    def _start(self, fresh: State) -> State:
        if isinstance(fresh, Consumption):
            return self._storage.consumption(fresh.account)
        return fresh

    def _load_last(self, state: Observations) -> None:
        last = self._storage.last(stream_of(state))
        if last is not None and last[0] != state.version:
            state.version = last[0] - 1
            _evolve(state, last[1])

    def movements(self, account: str) -> Iterator[tuple[datetime, Movement]]:
        """Give every movement of an account, with the time when it was recorded."""
        for stream in (account, consumption_stream(account)):
            for _, event in self._storage.read(stream):
                for movement in movements(event):
                    yield event.recorded_at, movement

    def recorded_between(self, stream: str, after: int, through: int) -> list[LedgerEvent]:
        """Give a stream's events after a version, up to another one."""
        return [event for _, event in self._storage.read(stream, after=after, through=through)]

    def lines_since(self, account: str, kind: LineKind, since: datetime) -> Iterator[Line]:
        """Give the recorded lines of a kind from an instant on."""
        since_us = to_us(since)
        state = self.load(Consumption(account))
        for page in state.ranges if isinstance(state, Consumption) else ():
            if page.kind == kind and page.last_at_us >= since_us:
                _, lines = self.lines_of_page(account, page.version)
                yield from (line for line in lines if line.at_us >= since_us)

    def lines_of_page(self, account: str, version: int) -> tuple[PageRecorded, list[Line]]:
        """Read one page of an account's lines."""
        stream = consumption_stream(account)
        for _, event in self._storage.read(stream, after=version - 1, through=version):
            if isinstance(event, PageRecorded):
                return event, unpack(event)
        msg = f"expected a page at version {version} of {stream}, found none"
        raise IntegrityFailure(msg)


class Work:
    """One attempt at a change: the states that it looked at, the events that it places.

    `held` are the streams, with their versions, on which it rests without writing to them.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.drafts: dict[str, State] = {}
        self.placed: list[Placed] = []
        self.held: dict[str, int] = {}

    def customer(self, name: str) -> Customer:
        state = self._load(Customer(name))
        assert isinstance(state, Customer)  # noqa: S101 (for the type checker)
        return state

    def account(self, name: str) -> Account:
        state = self._load(Account(name))
        assert isinstance(state, Account)  # noqa: S101
        return state

    def consumption(self, account: str) -> Consumption:
        state = self._load(Consumption(account))
        assert isinstance(state, Consumption)  # noqa: S101
        return state

    def observations(self, account: str) -> Observations:
        state = self._load(Observations(account))
        assert isinstance(state, Observations)  # noqa: S101
        return state

    def rates(self, billing_country: str) -> RateBook:
        state = self._load(RateBook(billing_country))
        assert isinstance(state, RateBook)  # noqa: S101
        return state

    def recharge_rules(self) -> RuleBook:
        state = self._load(RuleBook())
        assert isinstance(state, RuleBook)  # noqa: S101
        return state

    def transfers(self, customer: str) -> Transfers:
        state = self._load(Transfers(customer))
        assert isinstance(state, Transfers)  # noqa: S101
        return state

    def periods(self, customer: str) -> Periods:
        state = self._load(Periods(customer))
        assert isinstance(state, Periods)  # noqa: S101
        return state

    def _load(self, fresh: State) -> State:
        stream = stream_of(fresh)
        if stream not in self.drafts:
            self.drafts[stream] = _draft(self._ledger.load(fresh))
        return self.drafts[stream]

    def hold(self, *states: State) -> None:
        """Rest on states as they are now: where their streams move, decide anew.

        To be called before anything else is read of them, such as a report.
        """
        self.held.update({stream_of(state): state.version for state in states})

    def known_lines(
        self, account: str, kind: LineKind, ids: Iterable[LineId]
    ) -> dict[LineId, tuple[int, Line]]:
        """Find which of these lines are recorded: the version of their page, and the line."""
        wanted = set(ids)
        known: dict[LineId, tuple[int, Line]] = {}
        for version in consumptions.touched(self.consumption(account), kind, wanted):
            _, lines = self._ledger.lines_of_page(account, version)
            known.update((line.id, (version, line)) for line in lines if line.id in wanted)
        return known

    def record(self, state: State, events: Iterable[LedgerEvent]) -> None:
        """Place events at the end of a state's stream; later decisions see them."""
        for event in events:
            _evolve(state, event)
            self.placed.append(Placed(stream_of(state), state.version, event))
