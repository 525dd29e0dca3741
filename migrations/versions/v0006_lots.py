"""Lots: what was bought, where it came to, who drew it: a batch projection's tables."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"

_TABLES = (
    # Times in microseconds; money in cents of the lot's currency. `bought_at_us` is 0 for
    # credits of which only an opening tells; `cost_cents` is NULL where no cost is known.
    """CREATE TABLE lot (
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
    # Credits of a lot, from the `first_milli`-th on, that came to an account: bought there, or
    # sent by a transfer.
    """CREATE TABLE lot_arrival (
        account TEXT NOT NULL,
        at_us BIGINT NOT NULL,
        reference TEXT NOT NULL,
        lot_account TEXT NOT NULL,
        lot TEXT NOT NULL,
        first_milli BIGINT NOT NULL,
        milli BIGINT NOT NULL,
        PRIMARY KEY (account, at_us, reference, lot_account, lot, first_milli))
        WITHOUT ROWID""",
    # Credits that left an account, by segment or movement, in the order of `number`; without a
    # lot as long as none covers them.
    """CREATE TABLE lot_draw (
        account TEXT NOT NULL,
        at_us BIGINT NOT NULL,
        kind TEXT NOT NULL,
        reference TEXT NOT NULL,
        number BIGINT NOT NULL,
        day TEXT NOT NULL,
        lot_account TEXT,
        lot TEXT,
        first_milli BIGINT NOT NULL,
        milli BIGINT NOT NULL,
        covered_at_us BIGINT,
        PRIMARY KEY (account, at_us, kind, reference, number)) WITHOUT ROWID""",
    # What an account's messages cost in a month, by currency (empty: none): what `cost` shares.
    """CREATE TABLE lot_month (
        account TEXT NOT NULL,
        month TEXT NOT NULL,
        currency TEXT NOT NULL,
        net_cents BIGINT NOT NULL,
        cost_cents BIGINT NOT NULL,
        unvalued_milli BIGINT NOT NULL,
        PRIMARY KEY (month, account, currency)) WITHOUT ROWID""",
    # What messages used in each segment of a day that a movement cuts.
    """CREATE TABLE lot_segment (
        account TEXT NOT NULL,
        day TEXT NOT NULL,
        last_at_us BIGINT NOT NULL,
        first_at_us BIGINT NOT NULL,
        milli BIGINT NOT NULL,
        PRIMARY KEY (account, day, last_at_us)) WITHOUT ROWID""",
)


def upgrade() -> None:
    postgres = op.get_bind().dialect.name == "postgresql"
    for table in _TABLES:
        op.execute(table.removesuffix("WITHOUT ROWID").rstrip() if postgres else table)
