"""Lots on the posted basis, for customers of whom something is late for a closed month."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

_TABLES = (
    # Customers with closed months, the last of which ends there. `differs`: 1 where what
    # follows is kept of them; of others, the tables of 0006 hold on either basis.
    """CREATE TABLE posted_customer (
        customer TEXT NOT NULL PRIMARY KEY,
        ends_at_us BIGINT NOT NULL,
        differs BIGINT NOT NULL) WITHOUT ROWID""",
    # What was recorded late, and stands in a later month: single movements, lines of a page
    # (its `version`) by local day, the change of an opening. Signed as movements are.
    """CREATE TABLE late_fact (
        account TEXT NOT NULL,
        posted_at_us BIGINT NOT NULL,
        position BIGINT NOT NULL,
        day TEXT NOT NULL,
        kind TEXT NOT NULL,
        reference TEXT NOT NULL,
        version BIGINT NOT NULL,
        count BIGINT NOT NULL,
        milli BIGINT NOT NULL,
        first_at_us BIGINT NOT NULL,
        last_at_us BIGINT NOT NULL,
        recorded_at_us BIGINT NOT NULL,
        PRIMARY KEY (account, posted_at_us, position, day)) WITHOUT ROWID""",
    # As the tables of 0006; `at_us` is where it stands, `happened_at_us` when it happened.
    """CREATE TABLE posted_lot (
        account TEXT NOT NULL,
        lot TEXT NOT NULL,
        kind TEXT NOT NULL,
        bought_at_us BIGINT NOT NULL,
        position BIGINT NOT NULL,
        milli BIGINT NOT NULL,
        net_cents BIGINT,
        vat_cents BIGINT,
        cost_cents BIGINT,
        currency TEXT,
        bill TEXT,
        order_id BIGINT,
        PRIMARY KEY (account, lot)) WITHOUT ROWID""",
    """CREATE TABLE posted_arrival (
        account TEXT NOT NULL,
        at_us BIGINT NOT NULL,
        reference TEXT NOT NULL,
        lot_account TEXT NOT NULL,
        lot TEXT NOT NULL,
        first_milli BIGINT NOT NULL,
        milli BIGINT NOT NULL,
        happened_at_us BIGINT NOT NULL,
        PRIMARY KEY (account, at_us, reference, lot_account, lot, first_milli))
        WITHOUT ROWID""",
    """CREATE TABLE posted_draw (
        account TEXT NOT NULL,
        at_us BIGINT NOT NULL,
        happened_at_us BIGINT NOT NULL,
        kind TEXT NOT NULL,
        reference TEXT NOT NULL,
        number BIGINT NOT NULL,
        day TEXT NOT NULL,
        lot_account TEXT,
        lot TEXT,
        first_milli BIGINT NOT NULL,
        milli BIGINT NOT NULL,
        covered_at_us BIGINT,
        PRIMARY KEY (account, at_us, happened_at_us, kind, reference, number))
        WITHOUT ROWID""",
    """CREATE TABLE posted_segment (
        account TEXT NOT NULL,
        day TEXT NOT NULL,
        last_at_us BIGINT NOT NULL,
        first_at_us BIGINT NOT NULL,
        milli BIGINT NOT NULL,
        PRIMARY KEY (account, day, last_at_us)) WITHOUT ROWID""",
    # What messages cost in a month: its own (current), late ones, what corrections gave back
    # late (returned), and what the cost of closed months turned out to be more, or less,
    # afterwards (prior-period).
    """CREATE TABLE posted_month (
        account TEXT NOT NULL,
        month TEXT NOT NULL,
        currency TEXT NOT NULL,
        stands_as TEXT NOT NULL,
        net_cents BIGINT NOT NULL,
        cost_cents BIGINT NOT NULL,
        unvalued_milli BIGINT NOT NULL,
        PRIMARY KEY (month, account, currency, stands_as)) WITHOUT ROWID""",
)


def upgrade() -> None:
    postgres = op.get_bind().dialect.name == "postgresql"
    for table in _TABLES:
        op.execute(table.removesuffix("WITHOUT ROWID").rstrip() if postgres else table)
