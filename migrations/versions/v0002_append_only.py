"""Append-only by the database itself, and the SQL views for auditors.

Triggers refuse to edit an event or its line of the log, to the owner too. The views `v_…` are
a public interface (docs/reference/sql-views.md): a later migration may add columns at their
end, but keeps these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from alembic import op

revision = "0002"
down_revision = "0001"

# What a database says of an attempt.
_REFUSAL: Final = (
    "events are never edited: what was recorded stays, a correction is a further event"
)

# --- the guards ----------------------------------------------------------------------------

# The keys that a REPLACE would overwrite: SQLite fires no DELETE trigger for it.
_SQLITE_KEYS: Final = {
    "stored_events": "(originator_id = NEW.originator_id"
    " AND originator_version = NEW.originator_version) OR rowid = NEW.rowid",
    "event_log": "position = NEW.position OR (stream = NEW.stream AND version = NEW.version)"
    " OR rowid = NEW.rowid",
}


def _sqlite_guards() -> list[str]:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    return [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {when} {refuse}"
        for table, keys in _SQLITE_KEYS.items()
        for verb, when in (
            ("UPDATE", ""),
            ("DELETE", ""),
            ("INSERT", f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {keys})"),
        )
    ]


def _postgres_guards() -> list[str]:
    function = f"""CREATE FUNCTION refuse_edit() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'restrict_violation';
        END $$"""
    # ALWAYS: replication settings of a session do not switch them off.
    return [
        function,
        *(
            statement
            for table in _SQLITE_KEYS
            for statement in (
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
                f" ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_edit()",
                f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_append_only",
            )
        ),
    ]


# --- the views -----------------------------------------------------------------------------


def _sqlite_utc(at_us: str) -> str:
    """Write an instant as ISO 8601 text, always with six digits of a second."""
    second = f"strftime('%Y-%m-%dT%H:%M:%S', {at_us} / 1000000, 'unixepoch')"
    return f"{second} || '.' || printf('%06d', {at_us} % 1000000) || 'Z'"


def _postgres_utc(at_us: str) -> str:
    second = f"to_timestamp({at_us} / 1000000) AT TIME ZONE 'UTC'"
    return (
        f"to_char({second}, 'YYYY-MM-DD\"T\"HH24:MI:SS')"
        f" || '.' || to_char({at_us} % 1000000, 'FM000000') || 'Z'"
    )


def _sqlite_hex(value: str) -> str:
    return f"lower(hex({value}))"


def _postgres_hex(value: str) -> str:
    return f"encode({value}, 'hex')"


def _decimal(milli: str) -> str:
    """Write thousandths as exact decimal text, always with three decimals."""
    return (
        f"CASE WHEN {milli} < 0 THEN '-' ELSE '' END || CAST(ABS({milli}) / 1000 AS TEXT)"
        f" || '.' || SUBSTR(CAST(1000 + ABS({milli}) % 1000 AS TEXT), 2)"
    )


def _sum(*kinds: str) -> str:
    """Add up a day's thousandths of some kinds; PostgreSQL would give a NUMERIC."""
    named = ", ".join(f"'{kind}'" for kind in kinds)
    return f"CAST(SUM(CASE WHEN kind IN ({named}) THEN milli ELSE 0 END) AS BIGINT)"


_LINES: Final = ("consumption", "reply", "hlr", "cleaning")
_NAMED: Final = (*_LINES, "correction", "purchase", "transfer-in", "transfer-out")

Write = Callable[[str], str]


def _views(utc: Write, hexadecimal: Write) -> list[str]:
    balance = "(opening_milli + moved_milli)"
    return [
        f"""CREATE VIEW v_customer AS
            SELECT customer, subsidiary, time_zone, {utc("registered_at_us")} AS registered_at
            FROM customer""",
        f"""CREATE VIEW v_account AS
            SELECT customer, account,
                CASE WHEN closed_at_us IS NULL THEN 'open' ELSE 'closed' END AS status,
                created_on, {utc("opened_at_us")} AS opened_at,
                {utc("closed_at_us")} AS closed_at, {utc("opening_at_us")} AS opening_at,
                opening_milli, {_decimal("opening_milli")} AS opening,
                {balance} AS balance_milli, {_decimal(balance)} AS balance
            FROM account""",
        f"""CREATE VIEW v_balance AS
            SELECT customer, account, {balance} AS balance_milli,
                {_decimal(balance)} AS balance,
                (SELECT COALESCE(MAX(position), 0) FROM event_log) AS log_position
            FROM account""",
        f"""CREATE VIEW v_daily AS
            SELECT a.customer, d.account, d.day, d.kind, d.count, d.milli AS credits_milli,
                {_decimal("d.milli")} AS credits, {utc("d.first_at_us")} AS first_at,
                {utc("d.last_at_us")} AS last_at
            FROM daily_total AS d JOIN account AS a ON a.account = d.account""",
        f"""CREATE VIEW v_movement AS
            WITH by_day AS (
                SELECT account, day, {_sum("purchase")} AS purchased_milli,
                    {_sum("transfer-in")} AS transferred_in_milli,
                    {_sum("transfer-out")} AS transferred_out_milli,
                    {_sum(*_LINES)} AS consumed_milli, {_sum("correction")} AS corrected_milli,
                    CAST(SUM(milli) AS BIGINT) - {_sum(*_NAMED)} AS other_milli,
                    CAST(SUM(milli) AS BIGINT) AS moved_milli
                FROM daily_total GROUP BY account, day),
            running AS (
                SELECT a.customer, b.*, a.opening_milli + CAST(SUM(b.moved_milli)
                    OVER (PARTITION BY b.account ORDER BY b.day) AS BIGINT) AS balance_milli
                FROM by_day AS b JOIN account AS a ON a.account = b.account)
            SELECT customer, account, day, balance_milli - moved_milli AS before_milli,
                purchased_milli, transferred_in_milli, transferred_out_milli, consumed_milli,
                corrected_milli, other_milli, moved_milli, balance_milli,
                {_decimal("balance_milli")} AS balance
            FROM running""",
        f"""CREATE VIEW v_event AS
            SELECT position, stream, version, topic, customer, account,
                {utc("happened_at_us")} AS happened_at, {utc("recorded_at_us")} AS recorded_at,
                {hexadecimal("leaf")} AS digest
            FROM event_log""",
        f"""CREATE VIEW v_import AS
            SELECT customer, sha256, rows,
                CASE WHEN completed_at_us IS NULL THEN 'started' ELSE 'completed' END AS status,
                {utc("started_at_us")} AS started_at, {utc("completed_at_us")} AS completed_at
            FROM file_import""",
        f"""CREATE VIEW v_break AS
            SELECT a.customer, b.account, b.kind, b.reference,
                {utc("b.opened_at_us")} AS opened_at, b.credits_milli,
                {_decimal("b.credits_milli")} AS credits, b.text
            FROM open_break AS b JOIN account AS a ON a.account = b.account""",
    ]


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        statements = [*_postgres_guards(), *_views(_postgres_utc, _postgres_hex)]
    else:
        statements = [*_sqlite_guards(), *_views(_sqlite_utc, _sqlite_hex)]
    for statement in statements:
        op.execute(statement)
