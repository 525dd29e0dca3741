"""Draws of lots one after the other in one row: they take a third of the room, or less.

`lot_draw` and `posted_draw` become views of them, with the columns that the tables had.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from alembic import op
from sqlalchemy import text

from ledger.database import Table
from ledger.draw_blocks import LOT_DRAW_BLOCK, POSTED_DRAW_BLOCK, LotDraw, blocks
from ledger.lots import LotId
from migrations.views import put_in_place

revision = "0010"
down_revision = "0009"

# With row numbers on SQLite: without, each row would begin a page of its own. Times in
# microseconds; `day` is that of the first draw. `covered_at_us` is the last at which
# any of them was covered later; NULL: none was.
_TABLE: Final = """
    CREATE TABLE {} (
        account TEXT NOT NULL,
        last_at_us BIGINT NOT NULL,
        first_at_us BIGINT NOT NULL,
        covered_at_us BIGINT,
        day TEXT NOT NULL,
        unit_us BIGINT NOT NULL,
        lots TEXT NOT NULL,
        draws TEXT NOT NULL,
        PRIMARY KEY (account, last_at_us))"""

# `lots` is JSON: [[lot, first_milli, lot_account if another one], …]; [null] is none. `draws`:
# [[days, units of time after those, milli, which lot, kind, reference, milli skipped, units
# until covered, units late], …], the last ones left out where they are 0, used, '', 0, null, 0.
_VIEW: Final = """
    CREATE VIEW {view} AS
        SELECT account, at_us, {happened} kind, reference,
            ROW_NUMBER() OVER (
                PARTITION BY account, at_us, happened_at_us, kind, reference ORDER BY place
            ) AS number,
            day, CASE WHEN lot IS NOT NULL THEN COALESCE(lot_account, account) END
                AS lot_account,
            lot,
            CASE WHEN lot IS NULL THEN 0 ELSE lot_first_milli - milli + CAST(
                SUM(skipped_milli + milli) OVER (
                    PARTITION BY account, last_at_us, lot_place ORDER BY place
                ) AS BIGINT) END AS first_milli,
            milli, covered_at_us
        FROM ({query}) AS decoded"""
_SQLITE: Final = """
            SELECT *, at_us - unit_us * late AS happened_at_us,
                at_us + unit_us * covered AS covered_at_us,
                json_extract(lots, '$[' || lot_place || '][0]') AS lot,
                json_extract(lots, '$[' || lot_place || '][1]') AS lot_first_milli,
                json_extract(lots, '$[' || lot_place || '][2]') AS lot_account
            FROM (
                SELECT account, last_at_us, unit_us, lots, key AS place,
                    first_at_us + 86400000000 * json_extract(value, '$[0]')
                        + unit_us * json_extract(value, '$[1]') AS at_us,
                    date(day, json_extract(value, '$[0]') || ' days') AS day,
                    json_extract(value, '$[2]') AS milli,
                    COALESCE(json_extract(value, '$[3]'), 0) AS lot_place,
                    COALESCE(json_extract(value, '$[4]'), 'used') AS kind,
                    COALESCE(json_extract(value, '$[5]'), '') AS reference,
                    COALESCE(json_extract(value, '$[6]'), 0) AS skipped_milli,
                    json_extract(value, '$[7]') AS covered,
                    COALESCE(json_extract(value, '$[8]'), 0) AS late
                FROM {table}, json_each(draws))"""
_POSTGRES: Final = """
            SELECT *, at_us - unit_us * late AS happened_at_us,
                at_us + unit_us * covered AS covered_at_us,
                lots->lot_place->>0 AS lot,
                CAST(lots->lot_place->>1 AS BIGINT) AS lot_first_milli,
                lots->lot_place->>2 AS lot_account
            FROM (
                SELECT account, last_at_us, unit_us, CAST(lots AS JSON) AS lots, place,
                    first_at_us + 86400000000 * CAST(value->>0 AS BIGINT)
                        + unit_us * CAST(value->>1 AS BIGINT) AS at_us,
                    TO_CHAR(CAST(day AS DATE) + CAST(value->>0 AS INTEGER), 'YYYY-MM-DD')
                        AS day,
                    CAST(value->>2 AS BIGINT) AS milli,
                    COALESCE(CAST(value->>3 AS INTEGER), 0) AS lot_place,
                    COALESCE(value->>4, 'used') AS kind,
                    COALESCE(value->>5, '') AS reference,
                    COALESCE(CAST(value->>6 AS BIGINT), 0) AS skipped_milli,
                    CAST(value->>7 AS BIGINT) AS covered,
                    COALESCE(CAST(value->>8 AS BIGINT), 0) AS late
                FROM {table}, json_array_elements(CAST(draws AS JSON))
                    WITH ORDINALITY AS of_block (value, place)) AS coded"""

_COLUMNS: Final = """
    kind, reference, number, day, lot_account, lot, first_milli, milli, covered_at_us
"""


def upgrade() -> None:
    query = _POSTGRES if op.get_bind().dialect.name == "postgresql" else _SQLITE
    for table in (LOT_DRAW_BLOCK, POSTED_DRAW_BLOCK):
        op.execute(_TABLE.format(table.name))
        _fill(table)
        put_in_place(table.view, of=table.name, made_by=_view(table, query))


def _view(table: Table, query: str) -> str:
    happened = "happened_at_us," if table is POSTED_DRAW_BLOCK else ""
    return _VIEW.format(
        view=table.view, happened=happened, query=query.format(table=table.name)
    )


def _fill(table: Table) -> None:
    happened = "happened_at_us" if table is POSTED_DRAW_BLOCK else "at_us"
    found = op.get_bind().execute(
        text(
            f"SELECT account, at_us, {happened}, {_COLUMNS} FROM {table.view} ORDER BY account"
        )
    )
    named = ", ".join(f":{name}" for name in table.columns)
    for account, draws in groupby(found, itemgetter(0)):
        rows = [
            dict(zip(table.columns, row, strict=True))
            for row in blocks(account, map(_draw, draws))
        ]
        op.get_bind().execute(text(f"{table.into} VALUES ({named})"), rows)


def _draw(row: Any) -> LotDraw:
    _, at_us, happened_us, kind, reference, number, day, lot_account, lot, *piece = row
    named = None if lot is None else LotId(lot_account, lot)
    return LotDraw(at_us, happened_us, kind, reference, number, day, named, *piece)
