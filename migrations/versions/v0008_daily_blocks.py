"""The days of a month in one row: totals by day take half the room, or a quarter.

`daily_total` becomes a view of them, with the columns that the table had, and the month.
"""

from __future__ import annotations

from typing import Final

from alembic import op
from sqlalchemy import text

from ledger.day_blocks import DAILY_BLOCK, Sum, by_month, packed

revision = "0008"
down_revision = "0007"

_TABLE: Final = """
    CREATE TABLE daily_block (
        account TEXT NOT NULL,
        month TEXT NOT NULL,
        kind TEXT NOT NULL,
        first_at_us BIGINT NOT NULL,
        last_at_us BIGINT NOT NULL,
        unit_us BIGINT NOT NULL,
        recorded_at_us BIGINT NOT NULL,
        days TEXT NOT NULL,
        PRIMARY KEY (account, month, kind)) WITHOUT ROWID"""

# `days` is JSON: [[day, count, milli, first, span, recorded later], …], the last where not 0.
_SQLITE_VIEW: Final = """
    CREATE VIEW daily_total AS
        SELECT account, month || '-' || printf('%02d', json_extract(value, '$[0]')) AS day,
            kind, json_extract(value, '$[1]') AS count, json_extract(value, '$[2]') AS milli,
            first_at_us + unit_us * json_extract(value, '$[3]') AS first_at_us,
            first_at_us + unit_us
                * (json_extract(value, '$[3]') + json_extract(value, '$[4]')) AS last_at_us,
            recorded_at_us + COALESCE(json_extract(value, '$[5]'), 0) AS recorded_at_us, month
        FROM daily_block, json_each(days)"""
_POSTGRES_VIEW: Final = """
    CREATE VIEW daily_total AS
        SELECT account, month || '-' || LPAD(value->>0, 2, '0') AS day, kind,
            CAST(value->>1 AS BIGINT) AS count, CAST(value->>2 AS BIGINT) AS milli,
            first_at_us + unit_us * CAST(value->>3 AS BIGINT) AS first_at_us,
            first_at_us + unit_us * (CAST(value->>3 AS BIGINT) + CAST(value->>4 AS BIGINT))
                AS last_at_us,
            recorded_at_us + COALESCE(CAST(value->>5 AS BIGINT), 0) AS recorded_at_us, month
        FROM daily_block, json_array_elements(CAST(days AS JSON)) AS of_month (value)"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _on_postgres()
    else:
        op.execute(_TABLE)
        _fill()
        op.execute("DROP TABLE daily_total")
        op.execute(_SQLITE_VIEW)


def _fill() -> None:
    bind = op.get_bind()
    days = bind.execute(
        text(
            "SELECT account, day, kind, count, milli, first_at_us, last_at_us, recorded_at_us"
            " FROM daily_total ORDER BY account, day, kind"
        )
    )
    blocks = by_month(((account, day, kind), Sum(*sums)) for account, day, kind, *sums in days)
    named = ", ".join(f":{name}" for name in DAILY_BLOCK.columns)
    rows = [dict(zip(DAILY_BLOCK.columns, packed(*one), strict=True)) for one in blocks.items()]
    if rows:
        bind.execute(text(f"{DAILY_BLOCK.into} VALUES ({named})"), rows)


# --- PostgreSQL: views stand on a table, not on its name, and roles have rights to each -----


def _on_postgres() -> None:
    views = _asked(_VIEWS)
    rights = {name: _asked(_RIGHTS, name=name) for name in ("daily_total", *dict(views))}
    op.execute(_TABLE.removesuffix(" WITHOUT ROWID"))
    _fill()
    for name, _ in views:
        op.execute(f"DROP VIEW {name}")
    op.execute("DROP TABLE daily_total")
    op.execute(_POSTGRES_VIEW)
    _grant("daily_block", rights["daily_total"])
    _grant("daily_total", [one for one in rights["daily_total"] if one[0] == "SELECT"])
    for name, made_by in views:
        op.execute(f"CREATE VIEW {name} AS {made_by}")
        _grant(name, rights[name])


def _asked(sql: str, **params: str) -> list[tuple[str, str]]:
    return [(one, other) for one, other in op.get_bind().execute(text(sql), params)]


def _grant(name: str, rights: list[tuple[str, str]]) -> None:
    for right, role in rights:
        op.execute(f"GRANT {right} ON {name} TO {role}")


_VIEWS: Final = """
    SELECT DISTINCT c.relname, pg_get_viewdef(c.oid) FROM pg_depend d
        JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class c ON c.oid = r.ev_class
    WHERE d.refobjid = to_regclass('daily_total') AND c.relkind = 'v' ORDER BY 1
"""
_RIGHTS: Final = """
    SELECT privilege_type,
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END
    FROM pg_class, aclexplode(relacl)
    WHERE oid = to_regclass(:name) AND grantee <> relowner ORDER BY 2, 1
"""
