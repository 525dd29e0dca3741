"""The values of a month in one row: totals by month take less room, most of all on PostgreSQL.

`monthly_total` becomes a view of them, with the columns that the table had.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, Final

import msgspec
from alembic import op
from sqlalchemy import text

from migrations.views import put_in_place

revision = "0009"
down_revision = "0008"

_TABLE: Final = """
    CREATE TABLE month_block (
        dimension TEXT NOT NULL,
        month TEXT NOT NULL,
        account TEXT NOT NULL,
        values_from TEXT NOT NULL,
        sums TEXT NOT NULL,
        PRIMARY KEY (dimension, month, account, values_from)) WITHOUT ROWID"""

# `sums` is JSON: [[value, count, milli], …] in the order of the values.
_SQLITE_VIEW: Final = """
    CREATE VIEW monthly_total AS
        SELECT b.account, b.dimension, b.month, json_extract(e.value, '$[0]') AS value,
            json_extract(e.value, '$[1]') AS count, json_extract(e.value, '$[2]') AS milli
        FROM month_block AS b, json_each(b.sums) AS e"""
_POSTGRES_VIEW: Final = """
    CREATE VIEW monthly_total AS
        SELECT b.account, b.dimension, b.month, e.one->>0 AS value,
            CAST(e.one->>1 AS BIGINT) AS count, CAST(e.one->>2 AS BIGINT) AS milli
        FROM month_block AS b, json_array_elements(CAST(b.sums AS JSON)) AS e (one)"""

# So many values in a row, that it is not long to write them again for the sake of one.
_AT_MOST: Final = 256

_TOTALS: Final = """
    SELECT dimension, month, account, value, count, milli FROM monthly_total
    ORDER BY dimension, month, account
"""
_INSERT: Final = (
    "INSERT INTO month_block (dimension, month, account, values_from, sums)"
    " VALUES (:dimension, :month, :account, :values_from, :sums)"
)


def upgrade() -> None:
    postgres = op.get_bind().dialect.name == "postgresql"
    op.execute(_TABLE.removesuffix(" WITHOUT ROWID") if postgres else _TABLE)
    _fill()
    view = _POSTGRES_VIEW if postgres else _SQLITE_VIEW
    put_in_place("monthly_total", of="month_block", made_by=view)


def _fill() -> None:
    bind = op.get_bind()
    totals = bind.execute(text(_TOTALS).execution_options(yield_per=5000))
    for (dimension, month, account), of_month in groupby(totals, lambda row: row[:3]):
        key = {"dimension": dimension, "month": month, "account": account}
        bind.execute(text(_INSERT), [{**key, **block} for block in _blocks(of_month)])


def _blocks(of_month: Iterable[Any]) -> Iterator[dict[str, str]]:
    """Divide the values of a month, which are in the order of their characters."""
    sums = sorted(tuple(row[3:]) for row in of_month)
    for at in range(0, len(sums), _AT_MOST):
        some = sums[at : at + _AT_MOST]
        begin = some[0][0] if at else ""
        yield {"values_from": begin, "sums": msgspec.json.encode(some).decode()}
