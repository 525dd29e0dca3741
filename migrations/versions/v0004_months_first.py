"""Totals by month are found by dimension and month, whatever the accounts."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

_KEY = "(dimension, month, account, value)"

_SQLITE = (
    f"""CREATE TABLE monthly_total_by_month (
        account TEXT NOT NULL,
        dimension TEXT NOT NULL,
        month TEXT NOT NULL,
        value TEXT NOT NULL,
        count BIGINT NOT NULL,
        milli BIGINT NOT NULL,
        PRIMARY KEY {_KEY}) WITHOUT ROWID""",
    "INSERT INTO monthly_total_by_month (account, dimension, month, value, count, milli)"
    " SELECT account, dimension, month, value, count, milli FROM monthly_total",
    "DROP TABLE monthly_total",
    "ALTER TABLE monthly_total_by_month RENAME TO monthly_total",
)
# In place: what roles may do with the table stays.
_POSTGRES = (
    f"ALTER TABLE monthly_total DROP CONSTRAINT monthly_total_pkey, ADD PRIMARY KEY {_KEY}",
)


def upgrade() -> None:
    postgres = op.get_bind().dialect.name == "postgresql"
    for statement in _POSTGRES if postgres else _SQLITE:
        op.execute(statement)
