"""`cost`: what messages used and cost by month, and by tag, country, batch, user or kind.

Credits are summed; money is shared. What the messages of an account cost in a month follows
from the lots that they drew; it is divided by tag, country, … in proportion to their credits,
by largest remainder, so that every way to divide it adds up to the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, make_dataclass
from functools import cache, partial
from operator import itemgetter
from typing import Any, Final
from zoneinfo import ZoneInfo

from ledger.calendars import month_of
from ledger.database import Database, Row, Rows
from ledger.errors import InvalidValue
from ledger.events import LINE_KINDS
from ledger.times import from_us, zone
from projections.basis import Basis, basis_notes, closed_customers, posted_apart
from projections.batch import NotWritable, catch_up, is_behind
from projections.books import natural, notes, require_known
from projections.late_labels import LateUse, Months, late_use
from projections.lot_books import lots_caught_up
from projections.lot_months import StandsAs
from projections.moments import Period
from projections.month_sums import NONE, Dimension
from projections.monthly import MONTHLY_TOTALS
from projections.paid import Paid, Sums, Used
from projections.report import Report

# How a line without a tag, batch or user is shown: none of them is written with brackets.
WITHOUT: Final = "(none)"

# Where what messages of closed months cost more, or less, stands: with no label of theirs.
PRIOR_PERIOD: Final = "(prior-period)"

# What uses credits up; other movements move them.
_CORRECTION: Final = "correction"
_USED: Final = (*LINE_KINDS, _CORRECTION)

# So many names stand in a message.
_NAMED: Final = 3

_QUIET_READS: Final = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose months: of the named accounts and customers, or of all."""

    dimension: Dimension
    period: Period
    accounts: Sequence[str] = ()
    customers: Sequence[str] = ()
    basis: Basis = "posted"


@cache
def row_type(dimension: Dimension) -> type[Any]:
    """Give the type of a row: one field is named by the dimension.

    `sms` is how many lines, replies and lookups included; `credits` what they used; `net` what
    those credits were bought for, `cost` the same with VAT that is not got back. Both are of
    the credits whose cost is known: that of `unvalued` credits is not. On the posted basis,
    `prior_…` is the part of them that is of a prior period: late messages of closed months, and
    what these turned out to have cost more, or less.
    """
    names = [("customer", "str"), ("period", "str"), (dimension, "str")]
    sums = [
        ("sms", "int"), ("credits", "Credits"), ("net", "Amount | None"),
        ("cost", "Amount | None"), ("currency", "str | None"), ("unvalued", "Credits"),
        ("prior_credits", "Credits"), ("prior_net", "Amount | None"),
        ("prior_cost", "Amount | None"),
    ]  # fmt: skip
    return make_dataclass("Cost", [*names, *sums], frozen=True, slots=True)


def costs(database: Database, wanted: Wanted) -> Report[Any]:
    """Give what was used, by customer, month and value. Raises UnknownAccount, InvalidValue."""
    with _as_far_as_it_goes(database) as rows:
        ((position, lots, end),) = rows.execute(_POSITIONS)
        valued = lots == position
        kind = row_type(wanted.dimension)
        asked = _asked(rows, wanted)
        closed = bool(valued and closed_customers(rows))
        own = posted_apart(rows, wanted.basis) if closed else frozenset[str]()
        found = [kind(*row) for row in _rows(rows, wanted, asked, own, valued=valued)]
        said = [*_behind(database, position, end, valued=valued), *notes(rows, ())]
        said += basis_notes(rows, asked.zones, wanted.basis) if closed else []
        return Report(kind, position, found, said)


_POSITIONS: Final = """
    SELECT
        COALESCE((SELECT position FROM projection_position
            WHERE projection = 'monthly-totals'), 0),
        COALESCE((SELECT position FROM projection_position WHERE projection = 'lots'), 0),
        (SELECT COALESCE(MAX(position), 0) FROM event_log)
"""


@contextmanager
def _as_far_as_it_goes(database: Database) -> Iterator[Database]:
    """Read totals and lots that know the whole log; as they are, where not writable."""
    try:
        for _ in range(_QUIET_READS):
            catch_up(MONTHLY_TOTALS, database)
            with lots_caught_up(database) as current:
                if not is_behind(MONTHLY_TOTALS, current):
                    yield current
                    return
    except NotWritable:
        pass
    with database.snapshot() as known:
        yield known


def _behind(database: Database, position: int, end: int, *, valued: bool) -> Iterator[str]:
    missing = []
    if position < end:
        missing.append(
            f"what was recorded after log position {position}, up to {end}, is not in here yet"
        )
    if not valued:
        missing.append("what it cost is not known here")
    if missing:
        yield (
            f"{' and '.join(missing)}: {database.address} is not writable;"
            " run `sms-ledger cost` once where it may be written"
        )


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whose months are asked about: customers in their order, and the owners of accounts."""

    zones: dict[str, ZoneInfo]
    owners: dict[str, str]


def _asked(rows: Rows, wanted: Wanted) -> _Asked:
    """Find the customers that are asked about. Raises UnknownAccount, InvalidValue."""
    found = rows.execute(
        "SELECT a.customer, a.account, c.time_zone FROM account a"
        " JOIN customer c ON c.customer = a.customer"
    )
    require_known(wanted.accounts, [account for _, account, _ in found])
    named = [one for one in found if not wanted.accounts or one[1] in wanted.accounts]
    zones = {customer: zone(name) for customer, _, name in sorted(named, key=_natural)}
    for customer in wanted.customers:
        if customer not in zones:
            some = ", ".join(list(zones)[:_NAMED]) or "none"
            msg = f"expected a customer of these accounts, found {customer!r}; there is {some}"
            raise InvalidValue(msg)
    zones = {
        one: zones[one] for one in zones if not wanted.customers or one in wanted.customers
    }
    owners = {account: customer for customer, account, _ in named if customer in zones}
    return _Asked(zones, owners)


def _natural(row: Row) -> list[tuple[int, str]]:
    return natural(row[0])


def _rows(
    rows: Rows, wanted: Wanted, asked: _Asked, own: Collection[str], *, valued: bool
) -> Iterator[tuple[Any, ...]]:
    """Give customers in their order, then months, then values, then currencies."""
    months = {name: _months(wanted.period, local) for name, local in asked.zones.items()}
    apart = {account for account, customer in asked.owners.items() if customer in own}
    paid = Paid(rows, *_span(months.values()), valued=valued, apart=apart)
    used = _used(rows, wanted, asked.owners, months)
    late = _Late(rows, wanted.dimension, asked, months).move(apart, used)
    found: dict[str, dict[tuple[str, str, str], Sums]] = {customer: {} for customer in months}

    def add(account: str, key: tuple[str, str, str], sums: Sums) -> None:
        known = found[asked.owners[account]].setdefault(key, sums)
        if known is not sums:
            known.add(sums)

    for (account, month), of in used.items():
        for value, currency, sums in paid.shared(account, month, "current", of):
            add(account, (month, value, currency), sums)
    for (account, month, stands_as), of in late.items():
        for value, currency, sums in paid.shared(account, month, stands_as, of):
            add(account, (month, value, currency), sums)
    for account, month, currency, sums in paid.changes():
        first, end = months[asked.owners[account]]
        if first <= month < end:
            add(account, (month, PRIOR_PERIOD, currency), sums)
    for customer, of_customer in found.items():
        for (month, value, currency), sums in sorted(of_customer.items(), key=itemgetter(0)):
            shown = WITHOUT if value == NONE else value
            yield customer, month, shown, *sums.shown(currency or None)


# By account and month, in the order of values; and the same by how late messages stand there.
_Months = dict[tuple[str, str], list[Used]]
_LateMonths = dict[tuple[str, str, StandsAs], list[Used]]


@dataclass(frozen=True, slots=True)
class _Late:
    """Takes late messages out of the months in which they happened."""

    rows: Rows
    dimension: Dimension
    asked: _Asked
    months: Mapping[str, tuple[str, str]]

    def move(self, apart: Collection[str], used: _Months) -> _LateMonths:
        """Take those of some accounts out of what was used; gives them where they stand."""
        left: dict[tuple[str, str], _ByValue] = defaultdict(_ByValue)
        came: dict[tuple[str, str, StandsAs], _ByValue] = defaultdict(_ByValue)
        for account in sorted(apart):
            customer = self.asked.owners[account]
            first, end = self.months[customer]
            span = Months(first, end, self.asked.zones[customer])
            for one in late_use(self.rows, account, self.dimension, span):
                if first <= one.happened < end:
                    left[account, one.happened].add(one)
                if first <= one.posted < end:
                    stands_as: StandsAs = "returned" if one.milli < 0 else "late"
                    came[account, one.posted, stands_as].add(one)
        for key, gone in left.items():
            on_time = map(partial(_less, gone), used.pop(key))
            rest = [one for one in on_time if one.sms or one.milli]
            if rest:
                used[key] = rest
        return {key: sorted(of.values()) for key, of in came.items()}


class _ByValue(dict[str, Used]):
    def add(self, late: LateUse) -> None:
        _, sms, milli = self.get(late.value, Used("", 0, 0))
        self[late.value] = Used(late.value, sms + late.sms, milli + late.milli)


def _less(gone: Mapping[str, Used], used: Used) -> Used:
    late = gone.get(used.value)
    if late is None:
        return used
    return used._replace(sms=used.sms - late.sms, milli=used.milli - late.milli)


def _used(
    rows: Rows,
    wanted: Wanted,
    owners: Mapping[str, str],
    months: Mapping[str, tuple[str, str]],
) -> dict[tuple[str, str], list[Used]]:
    """Give what was used by account and month: of each value, in their order."""
    found: dict[tuple[str, str], list[Used]] = defaultdict(list)
    first, end = _span(months.values())
    of = {account: months[customer] for account, customer in owners.items()}
    for account, month, value, count, milli in rows.execute(
        _SUMS, dimension=wanted.dimension, first=first, end=end
    ):
        begin, after = of.get(account, ("", ""))
        if begin <= month < after and (wanted.dimension != "kind" or value in _USED):
            # A correction changes what a line costs; it is no further line.
            sms = 0 if value == _CORRECTION else count
            found[account, month].append(Used(value, sms, -milli))
    return found


def _span(months: Collection[tuple[str, str]]) -> tuple[str, str]:
    """Give the first month that any customer asks about, and the one after the last."""
    first = min((first for first, _ in months), default="")
    return first, max((end for _, end in months), default="")


_SUMS: Final = """
    SELECT account, month, value, count, milli FROM monthly_total
    WHERE dimension = :dimension AND month >= :first AND month < :end
    ORDER BY month, account, value
"""


def _months(period: Period, local: ZoneInfo) -> tuple[str, str]:
    """Give the first month, and the one after the last. Raises InvalidValue."""
    start_us, end_us = period.bounds(local)
    return _month(local, start_us, _BEFORE_ALL), _month(local, end_us, _AFTER_ALL)


def _month(local: ZoneInfo, at_us: int | None, default: str) -> str:
    if at_us is None:
        return default
    month = month_of(local, at_us)
    if month.start_us != at_us:
        found = from_us(at_us).astimezone(local).isoformat()
        msg = (
            f"expected whole months, found a period that begins or ends at {found}: what is"
            f" used is kept by month; type -p {month.name}, or -b {month.name}-01"
        )
        raise InvalidValue(msg)
    return month.name


_BEFORE_ALL: Final = "0000-00"
_AFTER_ALL: Final = "9999-99"


def totals(report: Report[Any]) -> list[Any]:
    """Give a row for each customer and currency that sums up its rows."""
    sums: dict[tuple[str, str], Sums] = {}
    for row in report.rows:
        key = (row.customer, row.currency or "")
        own = Sums.of(row)
        known = sums.setdefault(key, own)
        if known is not own:
            known.add(own)
    return [
        report.row(customer, "total", "", *found.shown(currency or None))
        for (customer, currency), found in sums.items()
    ]
