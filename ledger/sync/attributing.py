"""Which purchases automatic recharge made: decided once each, after they are recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from ledger.account import Account, Opening
from ledger.consumption import Consumption
from ledger.events import LINE_KINDS
from ledger.ovh.gateway import Order
from ledger.recharge import (
    SOON,
    Answer,
    Move,
    OrderSeen,
    Stretch,
    answer,
    attribute_recharge,
    in_question,
)
from ledger.recharge_rules import Facts, conditions
from ledger.service import Work
from ledger.sync.account import Context
from ledger.sync.memory import examine, examined
from ledger.times import local_day, start_of_day, to_us

_ATTRIBUTION: Final = "attribution"

# Rows appear late: until then, a purchase that nothing explains is looked at again.
_LATE: Final = timedelta(days=8)

_SIGNS: Final = {"refund": -1, "transfer-out": -1}


def attribute_recharges(context: Context, service: str) -> int:
    """Tell the recharges among the purchases that were not looked at; gives how many."""
    account = context.ledger.work(lambda work: work.account(service))
    left = _unexamined(context, account)
    if not left or account.opening is None:
        return 0
    book = context.ledger.work(lambda work: work.recharge_rules())
    possible = [
        one
        for one in left
        if in_question(account, one, rules=book.on(_day_of(context, account, one)))
    ]
    answers: list[Answer] = []
    if possible:
        answers = context.ledger.work(lambda work: _answers(context, work, service, possible))
    orders = _orders(context, [account.billed[one.purchase] for one in answers])
    count = context.ledger.work(lambda work: _record(context, work, service, answers, orders))
    asked = {one.purchase for one in answers}
    late = context.now() - _LATE
    done = [one for one in left if one in asked or account.known["purchase", one][0] < late]
    examine(context.database, context.customer, _ATTRIBUTION, _references(service, done))
    return count


def _orders(context: Context, ids: Iterable[int | None]) -> Mapping[int, Order] | None:
    """Ask OVH for the orders that bills name; None where the key may not."""
    named = sorted({one for one in ids if one is not None})
    if not named:
        return {}
    return context.notes.optional(
        lambda: context.gateway.orders(named), None, what="orders of recharges"
    )


def _record(
    context: Context,
    work: Work,
    service: str,
    answers: Sequence[Answer],
    orders: Mapping[int, Order] | None,
) -> int:
    account, stamp = work.account(service), context.stamp(context.source())
    events = [
        event
        for one in answers
        for event in attribute_recharge(
            account, one, _seen(account.billed[one.purchase], orders), stamp=stamp
        )
    ]
    work.record(account, events)
    return len(events)


def _seen(order: int | None, orders: Mapping[int, Order] | None) -> OrderSeen | None:
    if order is None:
        return None
    if orders is None:
        return OrderSeen(order, shown=None)
    found = orders.get(order)
    return OrderSeen(order, shown=found is not None, placed_at=found.date if found else None)


def _unexamined(context: Context, account: Account) -> list[str]:
    open_ones = account.billed.keys() - account.attributed
    if not open_ones:
        return []
    done = examined(context.database, context.customer, _ATTRIBUTION)
    return sorted(
        (one for one in open_ones if f"{account.name} {one}" not in done),
        key=lambda one: (account.known["purchase", one][0], one),
    )


def _references(service: str, purchases: Iterable[str]) -> Iterator[str]:
    return (f"{service} {one}" for one in purchases)


def _day_of(context: Context, account: Account, purchase: str) -> date:
    return local_day(account.known["purchase", purchase][0], context.zone)


def _answers(
    context: Context, work: Work, service: str, purchases: Sequence[str]
) -> list[Answer]:
    account = work.account(service)
    assert account.opening is not None  # noqa: S101 (for the type checker)
    customer = work.customer(context.customer)
    seen = work.observations(service).last
    stretches = _Stretches(context, account, account.opening, work.consumption(service))
    found: list[Answer | None] = []
    book = work.recharge_rules()
    for purchase in purchases:
        at, _ = account.known["purchase", purchase]
        day = local_day(at, context.zone)
        rules = book.on(day)
        methods = customer.methods_at(at)
        facts = Facts(
            created_on=stretches.created_on,
            smpp=seen.smpp if seen else None,
            methods=None if methods is None else [(m.payment_type, m.status) for m in methods],
        )
        if any(one.holds is False for one in conditions(rules, facts, day)):
            continue  # it could not be recharged
        if at >= account.opening.at:
            stretch = stretches.around(at)
            found.append(answer(account, purchase, stretch, rules=rules))
    return [one for one in found if one is not None]


class _Stretches:
    """An account's balance around a purchase: daily totals up to a day, then each movement."""

    def __init__(
        self, context: Context, account: Account, opening: Opening, consumption: Consumption
    ) -> None:
        self._context = context
        self._account = account
        self._opening = opening
        self._consumption = consumption
        self._lines: list[Move] | None = None
        self._lines_since: datetime | None = None

    @property
    def created_on(self) -> date | None:
        rows = self._context.database.execute(
            "SELECT created_on FROM account WHERE account = :account",
            account=self._account.name,
        )
        return date.fromisoformat(rows[0][0]) if rows and rows[0][0] else None

    def around(self, at: datetime) -> Stretch:
        """Give the balance of the day before, and what moved until a while after."""
        zone = self._context.zone
        begin = start_of_day(local_day(at - SOON, zone), zone)
        if self._opening.at > begin:
            balance, begin = self._opening.credits.milli, self._opening.at
        else:
            balance = self._opening.credits.milli + self._moved_before(local_day(begin, zone))
        first, last = to_us(begin), to_us(at + SOON)
        moves = [
            move
            for move in (*self._singles(), *self._all_lines(begin))
            if first <= move.at_us <= last
        ]
        return Stretch(balance, sorted(moves))

    def _moved_before(self, day: date) -> int:
        ((moved,),) = self._context.database.execute(
            "SELECT COALESCE(SUM(milli), 0) FROM daily_total"
            " WHERE account = :account AND day < :day",
            account=self._account.name,
            day=day.isoformat(),
        )
        return int(moved)

    def _singles(self) -> Iterator[Move]:
        for (kind, reference), (at, credits) in self._account.known.items():
            purchase = reference if kind == "purchase" else ""
            yield Move(to_us(at), purchase, credits.milli * _SIGNS.get(kind, 1))

    def _all_lines(self, since: datetime) -> list[Move]:
        """Read the lines from the oldest day that is asked for on, once."""
        if self._lines is None or self._lines_since is None or since < self._lines_since:
            self._lines, self._lines_since = list(self._read(since)), since
        return self._lines

    def _read(self, since: datetime) -> Iterator[Move]:
        corrected = self._consumption.corrected
        for kind in LINE_KINDS:
            for line in self._context.ledger.lines_since(self._account.name, kind, since):
                now = corrected.get((kind, line.id))
                yield Move(line.at_us, "", -(line.milli if now is None else now.milli))
