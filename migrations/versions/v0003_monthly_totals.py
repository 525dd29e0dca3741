"""Totals by tag, country, batch, user and kind per local month: a batch projection's tables."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

_TABLES = (
    # Signed sums from the opening on; an empty value stands for lines without one.
    """CREATE TABLE monthly_total (
        account TEXT NOT NULL,
        dimension TEXT NOT NULL,
        month TEXT NOT NULL,
        value TEXT NOT NULL,
        count BIGINT NOT NULL,
        milli BIGINT NOT NULL,
        PRIMARY KEY (account, dimension, month, value)) WITHOUT ROWID""",
    # Which later events say something of the lines of a page: who sent them, what they cost.
    """CREATE TABLE page_change (
        account TEXT NOT NULL,
        page BIGINT NOT NULL,
        version BIGINT NOT NULL,
        PRIMARY KEY (account, page, version)) WITHOUT ROWID""",
)


def upgrade() -> None:
    postgres = op.get_bind().dialect.name == "postgresql"
    for table in _TABLES:
        op.execute(table.removesuffix(" WITHOUT ROWID") if postgres else table)
