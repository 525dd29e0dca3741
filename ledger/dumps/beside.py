"""The tables beside the log that a dump carries: what cannot be made again from the events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from ledger.database import Database, Rows
from ledger.dumps.form import Kept

_OF_CUSTOMER: Final = "customer = :customer"
_OF_ACCOUNT: Final = "account IN (SELECT account FROM account WHERE customer = :customer)"


class Table(NamedTuple):
    """A table with its columns, the key first; `private`: it may name a person."""

    name: str
    columns: tuple[str, ...]
    key: str
    of_customer: str
    private: bool = False


TABLES: Final = (
    Table(
        "alias",
        ("customer", "kind", "meaning", "alias"),
        "alias",
        _OF_CUSTOMER,
        private=True,
    ),
    Table("label", ("account", "description"), "account", _OF_ACCOUNT, private=True),
    Table(
        "sync_run",
        (
            "account",
            "read_at_us",
            "outgoing_through_us",
            "incoming_through_us",
            "hlr_through_us",
            "bills_through_us",
            "oldest_pending_us",
            "listed_whole_on",
        ),
        "account",
        _OF_ACCOUNT,
    ),
    Table(
        "examined",
        ("customer", "kind", "reference"),
        "customer, kind, reference",
        _OF_CUSTOMER,
    ),
)
_BY_NAME: Final = {table.name: table for table in TABLES}


def rows_of(database: Database, customer: str | None, *, private: bool) -> Iterator[Kept]:
    """Give the rows of all tables, or one customer's."""
    for table in TABLES:
        if private or not table.private:
            yield from _rows(database, table, customer)


def labels(database: Database) -> Iterator[Kept]:
    """Give what OVH calls the accounts."""
    return _rows(database, _BY_NAME["label"], None)


def _rows(database: Database, table: Table, customer: str | None) -> Iterator[Kept]:
    columns, name, key = ", ".join(table.columns), table.name, table.key
    only = "" if customer is None else f" WHERE {table.of_customer}"
    named = {} if customer is None else {"customer": customer}
    sql = f"SELECT {columns} FROM {name}{only} ORDER BY {key}"  # noqa: S608 (our own names)
    for row in database.each(sql, **named):
        yield Kept(name, dict(zip(table.columns, row, strict=True)))


def is_known(kept: Kept) -> bool:
    """Tell whether a row belongs to one of the tables, with just its columns."""
    table = _BY_NAME.get(kept.table)
    return table is not None and set(kept.row) == set(table.columns)


def put(rows: Rows, kept: Kept) -> None:
    """Insert a row that `is_known`."""
    table = _BY_NAME[kept.table]
    values = ", ".join(f":{column}" for column in table.columns)
    rows.execute(
        f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({values})",  # noqa: S608
        **kept.row,
    )
