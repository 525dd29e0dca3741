"""First release: the event store, the log, the views kept with the events, the projections.

The tables `stored_events` and `stored_snapshots` are the event library's; a test holds them
against what the library would create itself.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

_SQLITE_STORE = (
    """CREATE TABLE stored_events (
        originator_id TEXT,
        originator_version INTEGER,
        topic TEXT,
        state BLOB,
        PRIMARY KEY (originator_id, originator_version))""",
    """CREATE TABLE stored_snapshots (
        originator_id TEXT,
        originator_version INTEGER,
        topic TEXT,
        state BLOB,
        PRIMARY KEY (originator_id, originator_version)) WITHOUT ROWID""",
)

# A page is compressed already: EXTERNAL keeps PostgreSQL from trying once more.
_POSTGRES_STORE = (
    """CREATE TABLE stored_events (
        originator_id text NOT NULL,
        originator_version bigint NOT NULL,
        topic text,
        state bytea,
        notification_id bigserial,
        PRIMARY KEY (originator_id, originator_version))
        WITH (autovacuum_enabled = true, autovacuum_vacuum_threshold = 100000000,
        autovacuum_vacuum_scale_factor = 0.5, autovacuum_analyze_threshold = 1000,
        autovacuum_analyze_scale_factor = 0.01)""",
    "ALTER TABLE stored_events ALTER COLUMN state SET STORAGE EXTERNAL",
    """CREATE UNIQUE INDEX stored_events_notification_id_idx
        ON stored_events (notification_id ASC)""",
    """CREATE TABLE stored_snapshots (
        originator_id text NOT NULL,
        originator_version bigint NOT NULL,
        topic text,
        state bytea,
        PRIMARY KEY (originator_id, originator_version))
        WITH (autovacuum_enabled = true, autovacuum_vacuum_threshold = 100000000,
        autovacuum_vacuum_scale_factor = 0.5, autovacuum_analyze_threshold = 1000,
        autovacuum_analyze_scale_factor = 0.01)""",
    """CREATE TYPE stored_event_text AS (
        originator_id text, originator_version bigint, topic text, state bytea)""",
)

_TABLES = (
    # --- written in the transaction of the events --------------------------------------
    # The order of the ledger: position 1, 2, 3 … without holes, and each event's digest.
    """CREATE TABLE event_log (
        position BIGINT NOT NULL PRIMARY KEY,
        stream TEXT NOT NULL,
        version BIGINT NOT NULL,
        topic TEXT NOT NULL,
        customer TEXT,
        account TEXT,
        happened_at_us BIGINT NOT NULL,
        recorded_at_us BIGINT NOT NULL,
        leaf BLOB NOT NULL,
        UNIQUE (stream, version))""",
    """CREATE TABLE customer (
        customer TEXT NOT NULL PRIMARY KEY,
        subsidiary TEXT,
        time_zone TEXT NOT NULL,
        registered_at_us BIGINT NOT NULL)""",
    # A balance is opening_milli + moved_milli; without an opening it is not known.
    """CREATE TABLE account (
        account TEXT NOT NULL PRIMARY KEY,
        customer TEXT NOT NULL REFERENCES customer (customer),
        created_on TEXT,
        opened_at_us BIGINT NOT NULL,
        closed_at_us BIGINT,
        opening_at_us BIGINT,
        opening_milli BIGINT,
        moved_milli BIGINT NOT NULL DEFAULT 0)""",
    # Signed sums of the movements from the opening on, by the customer's local day.
    """CREATE TABLE daily_total (
        account TEXT NOT NULL,
        day TEXT NOT NULL,
        kind TEXT NOT NULL,
        count BIGINT NOT NULL,
        milli BIGINT NOT NULL,
        first_at_us BIGINT NOT NULL,
        last_at_us BIGINT NOT NULL,
        recorded_at_us BIGINT NOT NULL,
        PRIMARY KEY (account, day, kind)) WITHOUT ROWID""",
    """CREATE TABLE file_import (
        customer TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        rows BIGINT NOT NULL,
        started_at_us BIGINT NOT NULL,
        completed_at_us BIGINT,
        PRIMARY KEY (customer, sha256)) WITHOUT ROWID""",
    """CREATE TABLE open_break (
        account TEXT NOT NULL,
        kind TEXT NOT NULL,
        reference TEXT NOT NULL,
        opened_at_us BIGINT NOT NULL,
        credits_milli BIGINT,
        text TEXT NOT NULL,
        PRIMARY KEY (account, kind, reference)) WITHOUT ROWID""",
    # --- batch projections --------------------------------------------------------------
    """CREATE TABLE projection_position (
        projection TEXT NOT NULL PRIMARY KEY,
        position BIGINT NOT NULL) WITHOUT ROWID""",
    # Every movement that is not a line of a page.
    """CREATE TABLE movement (
        position BIGINT NOT NULL PRIMARY KEY,
        account TEXT NOT NULL,
        at_us BIGINT NOT NULL,
        recorded_at_us BIGINT NOT NULL,
        kind TEXT NOT NULL,
        milli BIGINT NOT NULL,
        reference TEXT NOT NULL)""",
    "CREATE INDEX movement_by_time ON movement (account, at_us)",
    # Which pages hold the lines of a stretch of time.
    """CREATE TABLE page_span (
        account TEXT NOT NULL,
        version BIGINT NOT NULL,
        kind TEXT NOT NULL,
        first_at_us BIGINT NOT NULL,
        last_at_us BIGINT NOT NULL,
        recorded_at_us BIGINT NOT NULL,
        PRIMARY KEY (account, version)) WITHOUT ROWID""",
    # --- operational: outside the log, may be erased ------------------------------------
    # OVH's free text for an account.
    """CREATE TABLE label (
        account TEXT NOT NULL PRIMARY KEY,
        description TEXT NOT NULL) WITHOUT ROWID""",
    # What stands for a tag or login that could hold personal data.
    """CREATE TABLE alias (
        customer TEXT NOT NULL,
        kind TEXT NOT NULL,
        meaning TEXT NOT NULL,
        alias TEXT NOT NULL UNIQUE,
        PRIMARY KEY (customer, kind, meaning))""",
    # The last look at an account, also where nothing had changed.
    """CREATE TABLE sync_run (
        account TEXT NOT NULL PRIMARY KEY,
        read_at_us BIGINT NOT NULL,
        outgoing_through_us BIGINT,
        incoming_through_us BIGINT,
        hlr_through_us BIGINT,
        bills_through_us BIGINT,
        oldest_pending_us BIGINT,
        listed_whole_on TEXT) WITHOUT ROWID""",
    # What was looked at and need not be read again, such as bills without SMS lines.
    """CREATE TABLE examined (
        customer TEXT NOT NULL,
        kind TEXT NOT NULL,
        reference TEXT NOT NULL,
        PRIMARY KEY (customer, kind, reference)) WITHOUT ROWID""",
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        statements = (*_POSTGRES_STORE, *map(_on_postgres, _TABLES))
    else:
        statements = (*_SQLITE_STORE, *_TABLES)
    for statement in statements:
        op.execute(statement)


def _on_postgres(table: str) -> str:
    return table.replace(" BLOB ", " BYTEA ").removesuffix(" WITHOUT ROWID")
