"""The event store: canonical bytes, one transaction with the views, conflicts, snapshots."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import msgspec
import pytest
from eventsourcing.sqlite import (
    SQLiteAggregateRecorder,
    SQLiteApplicationRecorder,
    SQLiteDatastore,
)

from ledger.canonical import encode, leaf
from ledger.consumption import Consumption, Range
from ledger.credits import ZERO, Credits
from ledger.database import SCHEMA_VERSION, Table, connect
from ledger.database.order import whole_transaction
from ledger.errors import DatabaseUnusable, IntegrityFailure
from ledger.events import (
    AccountOpened,
    BalanceOpened,
    CustomerRegistered,
    FromOperator,
    Stamp,
    TransferReceived,
    TransferSent,
)
from ledger.pages import Line, attribute, record_pages, unpack
from ledger.storage import Placed, Storage, VersionConflict
from ledger.storage.verbatim import insert
from ledger.times import to_us
from ledger.totals import Recorded
from projections.tables import CUSTOMER

AT = datetime(2026, 10, 2, 9, tzinfo=UTC)
STAMP = Stamp(recorded_at=AT, actor="tester", command_id="c-1", source=FromOperator())
WHEN = STAMP.at(AT)

REGISTERED = CustomerRegistered(
    **WHEN, customer="one", subsidiary="IT", time_zone="Europe/Rome"
)
ACCOUNT = AccountOpened(**WHEN, customer="one", account="sms-one-1", created_on=None)
BALANCE = BalanceOpened(**WHEN, credits=Credits(5_000), basis="stated", derivation=None)


@pytest.fixture
def storage(books):
    opened = Storage(books.address)
    opened.append(
        Placed("customer/one", 1, REGISTERED),
        Placed("sms-one-1", 1, ACCOUNT),
        Placed("sms-one-1", 2, BALANCE),
    )
    yield opened
    opened.close()


def page(first=1, count=3):
    at = to_us(AT)
    lines = [Line(id=n, at_us=at + n, milli=700, parts=1) for n in range(first, first + count)]
    (made,) = record_pages("consumption", lines, numbers="none", stamp=STAMP)
    return made


def test_events_come_back_as_they_went_in(storage):
    assert list(storage.read("sms-one-1")) == [(1, ACCOUNT), (2, BALANCE)]
    assert list(storage.read("sms-one-1", after=1)) == [(2, BALANCE)]
    assert list(storage.read("sms-one-1", through=1)) == [(1, ACCOUNT)]
    assert list(storage.read("sms-none-1")) == []


def test_the_last_event_is_found_without_the_others(storage):
    assert storage.last("sms-one-1") == (2, BALANCE)
    assert storage.last("sms-none-1") is None


def test_positions_go_on_across_streams_and_appends(storage):
    assert storage.append(Placed("sms-one-1/consumption", 1, page())) == [4]


def test_what_is_stored_is_the_canonical_form_and_the_log_has_its_digest(storage, books):
    database = books.database()
    for stream, version, topic, state in database.execute(
        "SELECT originator_id, originator_version, topic, state FROM stored_events"
    ):
        event = dict(storage.read(stream))[version]
        assert state == encode(event)
        ((digest,),) = database.execute(
            "SELECT leaf FROM event_log WHERE stream = :s AND version = :v", s=stream, v=version
        )
        assert digest == leaf(stream, version, topic, state)
    database.close()


def test_a_page_is_stored_as_a_header_line_and_its_body(storage, books):
    made = page()
    storage.append(Placed("sms-one-1/consumption", 1, made))
    database = books.database()
    ((state,),) = database.execute(
        "SELECT state FROM stored_events WHERE topic = 'sms.page-recorded.1'"
    )
    header, _, body = state.partition(b"\n")
    assert header.startswith(b"{")
    assert body == made.body
    ((_, read),) = storage.read("sms-one-1/consumption")
    assert unpack(read) == unpack(made)
    database.close()


def test_a_version_that_is_taken_is_a_conflict_and_nothing_is_written(storage, books):
    with pytest.raises(VersionConflict):
        storage.append(
            Placed("sms-one-1/consumption", 1, page()), Placed("sms-one-1", 2, BALANCE)
        )
    assert storage.last("sms-one-1/consumption") is None
    database = books.database()
    assert database.execute("SELECT MAX(position) FROM event_log") == [(3,)]
    assert database.execute("SELECT moved_milli FROM account") == [(0,)]
    database.close()


def test_two_streams_are_written_together(storage, books):
    other = AccountOpened(**WHEN, customer="one", account="sms-one-2", created_on=None)
    storage.append(Placed("sms-one-2", 1, other))
    moved = {"transfer": "t-1", "credits": Credits(700)}
    storage.append(
        Placed("sms-one-1", 3, TransferSent(**WHEN, counter_account="sms-one-2", **moved)),
        Placed("sms-one-2", 2, TransferReceived(**WHEN, counter_account="sms-one-1", **moved)),
    )
    database = books.database()
    assert database.execute("SELECT moved_milli FROM account ORDER BY account") == [
        (-700,),
        (700,),
    ]
    database.close()


def test_a_snapshot_is_a_cache_of_which_the_newest_is_kept(storage, books):
    state = Consumption("sms-one-1", version=2, lines=6)
    state.ranges = [
        Range(1, "consumption", 1, 3, to_us(AT)),
        Range(2, "reply", "a", "b", to_us(AT)),
    ]
    state.corrected = {("consumption", 2): ZERO}
    storage.keep(Consumption("sms-one-1", version=1))
    storage.keep(state)
    assert storage.consumption("sms-one-1") == state
    database = books.database()
    assert database.execute("SELECT originator_version FROM stored_snapshots") == [(2,)]
    database.close()


def test_a_snapshot_of_another_fold_is_not_looked_at(storage, books):
    storage.keep(Consumption("sms-one-1", version=2, lines=6))
    database = books.database()
    database.execute("UPDATE stored_snapshots SET topic = 'sms.consumption-snapshot.99'")
    database.close()
    assert storage.consumption("sms-one-1") == Consumption("sms-one-1")


def test_a_snapshot_that_another_program_took_is_left_alone(storage):
    storage.keep(Consumption("sms-one-1", version=2, lines=6))
    storage.keep(Consumption("sms-one-1", version=2, lines=6))


def test_a_snapshot_of_the_first_release_is_read(storage, books):
    """Ranges are stored as they always were: the fold has not changed."""
    database = books.database()
    database.execute(
        "INSERT INTO stored_snapshots (originator_id, originator_version, topic, state)"
        " VALUES ('sms-one-1/consumption', 2, 'sms.consumption-snapshot.1', :state)",
        state=b'{"lines":6,"ranges":[[1,"consumption",1,3,17],[2,"reply","a","b",18]],'
        b'"corrected":[["consumption",2,0]],"not_billed":[]}',
    )
    database.close()
    state = storage.consumption("sms-one-1")
    assert state.ranges == [Range(1, "consumption", 1, 3, 17), Range(2, "reply", "a", "b", 18)]
    assert state.corrected == {("consumption", 2): ZERO}


# --- many at once --------------------------------------------------------------------------


def test_a_transaction_of_many_pages_is_stored_as_its_pages_are(storage, books):
    pages = [page(first, count=40) for first in range(1, 2000, 40)]
    positions = storage.append(
        *(Placed("sms-one-1/consumption", n, one) for n, one in enumerate(pages, start=1))
    )
    assert positions == list(range(4, 4 + len(pages)))
    assert [event for _, event in storage.read("sms-one-1/consumption")] == pages
    database = books.database()
    assert database.execute("SELECT moved_milli FROM account") == [(-700 * 2000,)]
    assert database.execute("SELECT SUM(count), SUM(milli) FROM daily_total") == [
        (2000, -700 * 2000)
    ]
    database.close()


def test_one_statement_runs_with_many_parameters(books):
    add = "INSERT INTO label (account, description) VALUES (:account, :description)"
    rows = [{"account": f"sms-one-{n}", "description": "100 %s"} for n in (1, 2, 3)]
    with closing(books.database()) as database:
        database.execute_many(add, rows)
        database.execute_many(add, [])
        assert database.execute("SELECT COUNT(*), MIN(description) FROM label") == [
            (3, "100 %s")
        ]
        twice = [{"account": "sms-one-4", "description": "x"}] * 2
        with pytest.raises(IntegrityFailure), database.transaction() as inside:
            inside.execute_many(add, twice)
        assert database.execute("SELECT COUNT(*) FROM label") == [(3,)]


def test_many_rows_are_inserted_with_whatever_is_missing_in_them(books):
    """A column of which nothing is known has no type; a table is more than a portion long."""
    account = Table("account", ("account",), ("customer", "created_on", "opened_at_us"))
    events = Table("stored_events", ("originator_id", "originator_version"), ("topic", "state"))
    with closing(books.database()) as database:
        database.insert(CUSTOMER, [("one", "IT", "Europe/Rome", 1)])
        database.insert(account, [])
        database.insert(account, ((f"sms-{n}", "one", None, n) for n in range(5001)))
        database.insert(account, [("sms-x", "one", None, 1), ("sms-y", "one", "2026-01-01", 2)])
        database.insert(events, [("a", 1, "t", b"\0%s'"), ("a", 2, "t", b"")])
        found = database.execute("SELECT COUNT(*), COUNT(created_on) FROM account")
        assert found == [(5003, 1)]
        states = database.execute("SELECT state FROM stored_events ORDER BY originator_version")
        assert [bytes(state) for (state,) in states] == [b"\0%s'", b""]
        with pytest.raises(IntegrityFailure):
            database.insert(account, [("sms-x", "one", None, 1)])


# --- what others stored --------------------------------------------------------------------


def test_what_others_stored_is_not_believed_by_its_headers(storage, books):
    """Sums may take a header's word: a body that contradicts it must not get in."""
    made = page()
    forged = msgspec.structs.replace(made, spent=Credits(1))
    state = encode(forged)
    one = Recorded("sms-one-1/consumption", 1, forged.TOPIC, state, forged)
    with closing(books.database()) as database:
        with (
            pytest.raises(IntegrityFailure, match="expected spent"),
            whole_transaction(database) as rows,
        ):
            insert(rows, [one])
        assert storage.last("sms-one-1/consumption") is None
        with whole_transaction(database) as rows:
            insert(rows, [Recorded(one.stream, 1, made.TOPIC, encode(made), made)])
    assert storage.last("sms-one-1/consumption") == (1, made)


def test_users_of_other_lines_than_told_do_not_get_in(storage, books):
    made = attribute("consumption", [(1, "anna")], stamp=STAMP, at_us=to_us(AT))
    forged = msgspec.structs.replace(made, count=2)
    one = Recorded("sms-one-1/consumption", 1, forged.TOPIC, encode(forged), forged)
    with (
        closing(books.database()) as database,
        pytest.raises(IntegrityFailure, match="expected the users of 2 lines"),
        whole_transaction(database) as rows,
    ):
        insert(rows, [one])


def test_the_migrated_schema_is_what_the_library_would_create(sqlite_books, tmp_path):
    """The application runs with CREATE_TABLE=n: a change of the library's schema shows here."""
    made = tmp_path / "library.db"
    datastore = SQLiteDatastore(str(made), originator_id_type="text")
    SQLiteApplicationRecorder(datastore, events_table_name="stored_events").create_table()
    SQLiteAggregateRecorder(datastore, events_table_name="stored_snapshots").create_table()
    datastore.close()

    def columns(path, table):
        connection = sqlite3.connect(path)
        try:
            return [row[1:4] for row in connection.execute(f"PRAGMA table_info({table})")]
        finally:
            connection.close()

    for table in ("stored_events", "stored_snapshots"):
        assert columns(sqlite_books.path, table) == columns(made, table)


def test_the_newest_migration_is_the_one_that_the_program_expects():
    import migrations

    assert migrations.newest() == SCHEMA_VERSION


# --- files that are none ------------------------------------------------------------------


def test_a_file_that_is_no_database_is_refused_in_one_line(tmp_path):
    path = tmp_path / "notes.db"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(DatabaseUnusable, match="expected an sms-ledger database"):
        connect(path)


def test_a_file_that_goes_read_only_is_explained(sqlite_books):
    reading = connect(sqlite_books.path, read_only=True)
    with pytest.raises(DatabaseUnusable, match="read-only"):
        reading.execute("DELETE FROM label")
    reading.close()


def test_what_a_transaction_wrote_is_gone_when_it_fails(books):
    database = books.database()

    def half_done():
        with database.transaction():
            database.execute("INSERT INTO label VALUES ('sms-one-1', 'x')")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_done()
    assert database.execute("SELECT * FROM label") == []
    database.close()


def test_a_snapshot_sees_one_state_whatever_is_written_meanwhile(books):
    reading, writing = books.database(), books.database()
    with reading.snapshot():
        assert reading.execute("SELECT * FROM label") == []
        writing.execute("INSERT INTO label VALUES ('sms-one-1', 'x')")
        assert reading.execute("SELECT * FROM label") == []
    assert len(reading.execute("SELECT * FROM label")) == 1
    reading.close()
    writing.close()


def test_a_file_without_write_ahead_log_is_read_where_nothing_can_be_written(
    sqlite_books, monkeypatch
):
    """In a read-only folder the index of the write-ahead log cannot be made."""
    sqlite_books.draw("customer one\naccount sms-one-1")
    connection = sqlite3.connect(sqlite_books.path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    opened = []
    real = sqlite3.connect

    def read_only_folder(url, **options):
        opened.append(url.partition("?")[2])
        if "immutable" not in url:
            raise sqlite3.OperationalError("unable to open database file")
        return real(url, **options)

    monkeypatch.setattr(sqlite3, "connect", read_only_folder)
    database = connect(sqlite_books.path)
    assert database.execute("SELECT account FROM account") == [("sms-one-1",)]
    assert opened == ["mode=rwc", "mode=ro", "mode=ro&immutable=1"]
    database.close()


def test_a_write_ahead_log_with_something_in_it_is_never_passed_over(sqlite_books, monkeypatch):
    path = sqlite_books.path
    path.with_name(f"{path.name}-wal").write_bytes(b"something")

    def refuse(url, **options):
        assert "immutable" not in url
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(sqlite3, "connect", refuse)
    with pytest.raises(DatabaseUnusable, match="unable to open"):
        connect(path)
