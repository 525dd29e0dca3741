"""DuckDB loading the same file, for those who would rather analyse than keep books.

Usage: python -m bench.duck DATABASE FILE

The table has no key and no index, and DuckDB checks nothing but types. Its answers are held
against those of the fold too.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import Any, Final

_LOAD: Final = """
    CREATE TABLE line AS
    SELECT customer, account, kind, id,
        CAST(happened_at AS TIMESTAMPTZ) AS at, happened_at[:10] AS day,
        CAST(CAST(credits AS DECIMAL(15, 3)) * 1000 AS BIGINT) AS milli,
        country, CAST(parts AS SMALLINT) AS parts, tag, "user", batch, counter_account,
        CAST(net AS DECIMAL(12, 2)) AS net, CAST(vat AS DECIMAL(12, 2)) AS vat, currency, bill
    FROM read_csv(?, header = true, all_varchar = true)
"""
_SIGNED: Final = """
    SELECT account, day, kind, milli FROM line WHERE kind NOT IN ('transfer', 'opening')
    UNION ALL
    SELECT account, day, 'transfer-out', milli FROM line WHERE kind = 'transfer'
    UNION ALL
    SELECT counter_account, day, 'transfer-in', milli FROM line WHERE kind = 'transfer'
"""
_LEAVING: Final = "('consumption', 'reply', 'hlr', 'cleaning', 'refund', 'transfer-out')"


def is_installed() -> bool:
    return importlib.util.find_spec("duckdb") is not None


def main() -> None:
    import duckdb

    database, file = sys.argv[1:]
    with duckdb.connect(database) as connection:
        connection.execute(_LOAD, [file])


def by_day(database: str) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Give what moved by account, day and kind: how many rows, and their signed sum."""
    rows = _query(
        database,
        f"SELECT account, day, kind, COUNT(*),"
        f" CAST(SUM(CASE WHEN kind IN {_LEAVING} THEN -milli ELSE milli END) AS BIGINT)"
        f" FROM ({_SIGNED}) GROUP BY ALL",
    )
    return {(account, day, kind): (count, milli) for account, day, kind, count, milli in rows}


def by(database: str, dimension: str, month: str) -> dict[str, tuple[int, int]]:
    """Give a month's messages by a dimension."""
    rows = _query(
        database,
        f"SELECT COALESCE(\"{dimension}\", ''), COUNT(*), CAST(-SUM(milli) AS BIGINT) FROM line"
        f" WHERE kind IN ('consumption', 'reply', 'hlr', 'cleaning') AND day[:7] = '{month}'"
        " GROUP BY ALL",
    )
    return {value: (count, milli) for value, count, milli in rows}


def _query(database: str, sql: str) -> list[tuple[Any, ...]]:
    import duckdb

    with duckdb.connect(database, read_only=True) as connection:
        rows: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
        return rows


if __name__ == "__main__":
    main()
