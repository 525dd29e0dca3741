"""Batch projections move with their position, or not at all."""

from __future__ import annotations

import pytest

from ledger.errors import DatabaseUnusable, IntegrityFailure
from projections import batch
from projections.batch import Projection, catch_up, caught_up, position_of
from projections.books import log_position
from projections.movement_index import MOVEMENT_INDEX, MovementFold

STORY = """
    customer ab12345-ovh
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-01 10:00 sms 1.4
    2026-10-02 09:00 recharge 250 bill-1
    2026-10-02 09:00 purchase 100 bill-2
"""


@pytest.fixture
def database(books):
    opened = books.draw(STORY).database()
    yield opened
    opened.close()


def tables(database):
    return (
        database.execute("SELECT * FROM movement ORDER BY position"),
        database.execute("SELECT * FROM page_span ORDER BY account, version"),
    )


def test_catching_up_applies_the_whole_log(database):
    catch_up(MOVEMENT_INDEX, database)
    assert position_of(MOVEMENT_INDEX, database) == log_position(database) == 7
    movements, pages = tables(database)
    assert [row[4:] for row in movements] == [
        ("recharge", 250_000, "bill-1"),
        ("purchase", 100_000, "bill-2"),
    ]
    assert [row[:3] for row in pages] == [("sms-ab12345-1", 1, "consumption")]


def test_catching_up_in_small_steps_gives_the_same(database, monkeypatch):
    catch_up(MOVEMENT_INDEX, database)
    at_once = tables(database)
    for table in ("movement", "page_span", "projection_position"):
        database.execute(f"DELETE FROM {table}")
    monkeypatch.setattr(batch, "ENTRIES_PER_STEP", 1)
    catch_up(MOVEMENT_INDEX, database)
    assert tables(database) == at_once


def test_catching_up_again_goes_on_where_it_was(books, database):
    catch_up(MOVEMENT_INDEX, database)
    books.draw("account sms-ab12345-1\n2026-10-03 09:00 gift 1 g-1")
    catch_up(MOVEMENT_INDEX, database)
    assert [row[0] for row in tables(database)[0]] == [5, 7, 8]


def test_a_step_that_fails_leaves_neither_rows_nor_position(database):
    class Exploding(MovementFold):
        def add(self, logged):
            super().add(logged)
            self.finish()
            if logged.position == 6:
                raise IntegrityFailure("expected no explosion, found one")

    fragile = Projection("register", MOVEMENT_INDEX.tables, Exploding)
    with pytest.raises(IntegrityFailure):
        catch_up(fragile, database)
    assert position_of(fragile, database) == 0
    assert tables(database) == ([], [])


def test_reading_sees_one_state_in_which_the_projection_is_complete(books, database):
    with caught_up(MOVEMENT_INDEX, database):
        books.draw("account sms-ab12345-1\n2026-10-03 09:00 gift 1 g-1")
        assert log_position(database) == position_of(MOVEMENT_INDEX, database) == 7


def test_where_others_keep_writing_the_last_attempt_holds_them_off(books, monkeypatch):
    books.draw(STORY)
    database = books.database()
    drawn = []
    kind = type(database)
    snapshot = kind.snapshot

    def overtaken(self):
        number = len(drawn)
        drawn.append(books.draw(f"account sms-ab12345-1\n2026-10-03 09:00 gift 1 g-{number}"))
        return snapshot(self)

    monkeypatch.setattr(kind, "snapshot", overtaken)
    with caught_up(MOVEMENT_INDEX, database):
        assert log_position(database) == position_of(MOVEMENT_INDEX, database)
    assert len(drawn) == 3
    database.close()


def test_a_read_only_file_that_is_up_to_date_is_read(sqlite_books):
    books = sqlite_books
    books.draw(STORY).rows("reg")
    from ledger.database import connect

    reading = connect(books.path, read_only=True)
    with caught_up(MOVEMENT_INDEX, reading):
        assert log_position(reading) == 7
    reading.close()


def test_a_read_only_file_that_is_behind_says_what_to_do(sqlite_books):
    books = sqlite_books
    books.draw(STORY)
    from ledger.database import connect

    reading = connect(books.path, read_only=True)
    with pytest.raises(DatabaseUnusable, match=r"up to log position 7, found .* not writable"):
        catch_up(MOVEMENT_INDEX, reading)
    reading.close()
