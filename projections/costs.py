"""`cost`: credits used by month, and by tag, country, batch, user or kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, make_dataclass
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from ledger.calendars import month_of
from ledger.credits import Credits
from ledger.database import Database, Row, Rows
from ledger.errors import InvalidValue
from ledger.events import LINE_KINDS
from ledger.times import from_us, zone
from projections.batch import NotWritable, caught_up, position_of
from projections.books import log_position, natural, notes, require_known
from projections.moments import Period
from projections.month_sums import NONE, Dimension
from projections.monthly import MONTHLY_TOTALS
from projections.report import Report

# How a line without a tag, batch or user is shown: none of them is written with brackets.
WITHOUT: Final = "(none)"

# What uses credits up; other movements move them.
_CORRECTION: Final = "correction"
_USED: Final = (*LINE_KINDS, _CORRECTION)

# So many names stand in a message.
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose months: of the named accounts and customers, or of all."""

    dimension: Dimension
    period: Period
    accounts: Sequence[str] = ()
    customers: Sequence[str] = ()


@cache
def row_type(dimension: Dimension) -> type[Any]:
    """Give the type of a row: one field is named by the dimension.

    `sms` is how many lines, replies and lookups included; `credits` what they used.
    """
    names = [("customer", "str"), ("period", "str"), (dimension, "str")]
    return make_dataclass(
        "Cost", [*names, ("sms", "int"), ("credits", "Credits")], frozen=True, slots=True
    )


def costs(database: Database, wanted: Wanted) -> Report[Any]:
    """Give what was used, by customer, month and value. Raises UnknownAccount, InvalidValue."""
    with _as_far_as_it_goes(database) as rows:
        position, end = position_of(MONTHLY_TOTALS, rows), log_position(rows)
        kind = row_type(wanted.dimension)
        found = [kind(*row) for row in _rows(rows, wanted)]
        return Report(
            kind, position, found, [*_behind(database, position, end), *notes(rows, ())]
        )


@contextmanager
def _as_far_as_it_goes(database: Database) -> Iterator[Database]:
    """Read totals that know the whole log; as they are, where they cannot be written."""
    try:
        with caught_up(MONTHLY_TOTALS, database) as current:
            yield current
            return
    except NotWritable:
        pass
    with database.snapshot() as known:
        yield known


def _behind(database: Database, position: int, end: int) -> Iterator[str]:
    if position < end:
        yield (
            f"what was recorded after log position {position}, up to {end}, is not in here yet:"
            f" {database.address} is not writable; run `sms-ledger cost` once where it may be"
            " written"
        )


def _zones(rows: Rows, wanted: Wanted) -> dict[str, ZoneInfo]:
    """Give the customers that are asked about. Raises UnknownAccount, InvalidValue."""
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
    return {one: zones[one] for one in zones if not wanted.customers or one in wanted.customers}


def _natural(row: Row) -> list[tuple[int, str]]:
    return natural(row[0])


def _rows(rows: Rows, wanted: Wanted) -> Iterator[tuple[Any, ...]]:
    """Give customers in their order, then months, then values."""
    zones = _zones(rows, wanted)
    months = {customer: _months(wanted.period, zones[customer]) for customer in zones}
    found: dict[str, list[tuple[str, str, int, int]]] = {customer: [] for customer in months}
    for customer, *summed in _sums(rows, wanted, list(months.values())):
        month, value, count, milli = summed
        first, end = months.get(customer, ("", ""))
        if first <= month < end and (wanted.dimension != "kind" or value in _USED):
            # A correction changes what a line costs; it is no further line.
            found[customer].append((month, value, 0 if value == _CORRECTION else count, milli))
    for customer, sums in found.items():
        for month, value, sms, milli in sorted(sums):
            yield customer, month, WITHOUT if value == NONE else value, sms, Credits(-milli)


def _sums(rows: Rows, wanted: Wanted, months: Sequence[tuple[str, str]]) -> Sequence[Row]:
    """Add up over accounts, from the first to the last month that counts for a customer."""
    named = {f"a{number}": account for number, account in enumerate(wanted.accounts)}
    only = f" AND a.account IN (:{', :'.join(named)})" if named else ""
    return rows.execute(
        _SUMS.format(only=only),
        dimension=wanted.dimension,
        first=min((first for first, _ in months), default=""),
        end=max((end for _, end in months), default=""),
        **named,
    )


# CROSS: SQLite reads the months, by their key, before the accounts.
_SUMS: Final = """
    SELECT a.customer, m.month, m.value, SUM(m.count), SUM(m.milli)
    FROM monthly_total m CROSS JOIN account a
    WHERE a.account = m.account AND m.dimension = :dimension
        AND m.month >= :first AND m.month < :end{only}
    GROUP BY a.customer, m.month, m.value
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
    """Give a row for each customer that sums up its rows."""
    sums: dict[str, tuple[int, int]] = {}
    for row in report.rows:
        sms, milli = sums.get(row.customer, (0, 0))
        sums[row.customer] = (sms + row.sms, milli + row.credits.milli)
    return [
        report.row(customer, "total", "", sms, Credits(milli))
        for customer, (sms, milli) in sums.items()
    ]
