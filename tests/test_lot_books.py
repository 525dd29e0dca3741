"""The projection of lots: brought up in one state of the ledger, written where it may be."""

from __future__ import annotations

from contextlib import closing

import pytest

from ledger.database import connect
from ledger.draw_blocks import LOT_DRAW_BLOCK
from ledger.errors import DatabaseUnusable
from projections.books import log_position
from projections.lot_books import lots_caught_up, make, position_of_lots, write
from projections.tables import LOT_SEGMENT

ONE = "sms-ab12345-1"
STORY = f"""
    customer ab12345-ovh
    account {ONE}
    2026-10-01 09:00 opening 0
    2026-10-01 09:30 purchase 10 b-1 net=1.00
    2026-10-01 10:00 sms 1
    2026-10-01 10:30 purchase 10 b-2 net=2.00
    2026-10-01 11:00 sms 2
"""
LATER = f"account {ONE}\n2026-10-01 10:15 sms 1"


@pytest.fixture
def database(books):
    with closing(books.draw(STORY).database()) as database:
        yield database


def draws(database):
    return database.execute("SELECT at_us, lot, milli FROM lot_draw ORDER BY at_us, number")


def test_segments_of_cut_days_are_read_once_and_again_when_something_new_is_of_that_day(
    books, database
):
    with lots_caught_up(database):
        assert [milli for *_, milli in draws(database)] == [1000, 2000]
    with database.snapshot():
        (again,) = make(database, 3).customers  # the opening and what follows are not new
        assert [row[1] for row in again.rows[LOT_SEGMENT]] == ["2026-10-01", "2026-10-01"]
    books.draw("customer zz99999-ovh\naccount sms-zz-1\n2026-10-01 09:00 opening 5")
    with database.snapshot():
        assert [
            one.customer for one in make(database, position_of_lots(database)).customers
        ] == ["zz99999-ovh"]
    books.draw("customer ab12345-ovh\n" + LATER)
    with lots_caught_up(database):
        assert [milli for *_, milli in draws(database)] == [2000, 2000]


def test_what_another_program_wrote_first_is_left_as_it_is(database):
    with database.snapshot():
        late = make(database, 0)
    with lots_caught_up(database):
        before = draws(database)
    late.customers[0].rows[LOT_DRAW_BLOCK].clear()
    with database.transaction():
        assert not write(database, late)
    assert draws(database) == before


def test_where_others_keep_writing_the_last_attempt_holds_them_off(books, monkeypatch):
    books.draw(STORY)
    database = books.database()
    drawn = []
    kind = type(database)
    snapshot = kind.snapshot

    def overtaken(self):
        drawn.append(books.draw(f"account {ONE}\n2026-10-03 09:00 gift 1 g-{len(drawn)}"))
        return snapshot(self)

    monkeypatch.setattr(kind, "snapshot", overtaken)
    with lots_caught_up(database):
        assert log_position(database) == position_of_lots(database)
    assert drawn
    database.close()


def test_a_read_only_file_that_is_behind_says_what_to_do(sqlite_books):
    sqlite_books.draw(STORY).rows("reg")
    with (
        closing(connect(sqlite_books.path, read_only=True)) as reading,
        pytest.raises(DatabaseUnusable, match=r"bring the lots up to log position 7, found .*"),
        lots_caught_up(reading),
    ):
        pass


def test_a_read_only_file_that_is_up_to_date_is_read(sqlite_books):
    sqlite_books.draw(STORY).rows("lots")
    with (
        closing(connect(sqlite_books.path, read_only=True)) as reading,
        lots_caught_up(reading),
    ):
        assert len(draws(reading)) == 2
