"""Draws of lots, kept many to a row: what is read, or shown by views, is what was written."""

from __future__ import annotations

import importlib
from contextlib import closing
from datetime import date, timedelta
from itertools import chain, pairwise
from pathlib import Path

import pytest
import stores
from books import Books
from closers import close_month
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import migrations
from ledger import draw_blocks
from ledger.database import Database, Table
from ledger.draw_blocks import LOT_DRAW_BLOCK, POSTED_DRAW_BLOCK, LotDraw, blocks, unpacked
from ledger.lots import LotId
from projections.lot_draws import (
    covered_between,
    drawn_milli,
    draws_between,
    next_used,
    owed_of,
)
from projections.tables import LOT_DRAW, POSTED_DRAW

ONE, TWO = "sms-ab12345-1", "sms-ab12345-2"
T0 = 1_790_845_200_000_000  # 2026-10-01 09:00 UTC, in microseconds
DAY_US = 86_400_000_000

STORY = f"""
    customer ab12345-ovh Europe/Rome
    account {ONE}
    2025-09-30 09:00 opening 0
    2025-10-01 09:00 purchase 100 b-1 net=10.00
    2025-10-02 10:00 sms 40 tag=otp
    account {TWO}
    2025-09-30 09:00 opening 0
    account {ONE}
    2025-10-04 10:30 transfer 20 {TWO} t-1
"""
LATE = f"""
    account {ONE}
    2025-10-01 08:00 purchase 10 b-0 net=0.10
    2025-10-03 10:00 sms 12 tag=ads
    2025-11-05 10:00 sms 8 tag=otp
"""


# --- what draws there may be ---------------------------------------------------------------


def pieces_of(
    at_us: int, late_us: int, named: tuple[str, str], day: int, pieces: list[tuple]
) -> list[LotDraw]:
    """Give the draws of one item, which may be of several pieces."""
    local = (date(2026, 10, 1) + timedelta(days=day)).isoformat()
    return [
        LotDraw(
            T0 + at_us, T0 + at_us - late_us, *named, number, local, lot,
            0 if lot is None else first, milli,
            None if after is None else T0 + at_us + after,
        )
        for number, (lot, first, milli, after) in enumerate(pieces, start=1)
    ]  # fmt: skip


# Whole seconds, milliseconds, microseconds.
times = st.builds(lambda at, unit: at * unit, st.integers(0, 80_000), st.sampled_from(
    [1_000_000, 1_000, 1]
))  # fmt: skip
lots = st.sampled_from([None, LotId(ONE, "b-1"), LotId(TWO, "b-1"), LotId(TWO, 'é"\\')])
items = st.builds(
    pieces_of,
    st.builds(lambda day, at: day * DAY_US + at, st.integers(0, 40), times),
    st.one_of(st.just(0), times),
    st.tuples(
        st.sampled_from(["used", "transfer", "refund-beyond"]),
        st.sampled_from(["", "t-1", "Z", "é", "\U00010000", "\uffff"]),
    ),
    st.integers(-3, 45),
    st.lists(
        st.tuples(lots, st.integers(0, 5000), st.integers(-900, 5000), st.none() | times),
        min_size=1, max_size=3,
    ),
)  # fmt: skip


def once(found: list[list[LotDraw]]) -> list[LotDraw]:
    """Leave out items that are of the same instant, kind and reference as one before."""
    by_key = {draws[0][:4]: draws for draws in found}
    return [draw for draws in by_key.values() for draw in draws]


drawn = st.lists(items, max_size=12).map(once)
some = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def few_to_a_row(monkeypatch):
    monkeypatch.setattr(draw_blocks, "_TO_A_ROW", 3)


def shown(database: Database, table: Table) -> list[tuple]:
    columns = ", ".join(table.columns)
    return sorted(database.execute(f"SELECT {columns} FROM {table.name}"), key=repr)


def row_of(account: str, draw: LotDraw, table: Table) -> tuple:
    happened = [draw.happened_us] if table is POSTED_DRAW else []
    lot = (None, None) if draw.lot is None else draw.lot
    return (
        account, draw.at_us, *happened, draw.kind, draw.reference, draw.number, draw.day, *lot,
        draw.first, draw.milli, draw.covered_us,
    )  # fmt: skip


# --- packed and unpacked --------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draws=drawn)
def test_draws_are_read_as_they_were_packed(few_to_a_row, draws):
    rows = list(blocks(ONE, draws))
    read = [unpacked(row) for row in rows]
    assert sorted(chain(*read), key=repr) == sorted(draws, key=repr)
    for row, block in zip(rows, read, strict=True):
        times = [draw.at_us for draw in block]
        covered = [draw.covered_us for draw in block if draw.covered_us is not None]
        assert (row.account, row.first_at_us, row.last_at_us) == (ONE, times[0], times[-1])
        assert (times, row.covered_at_us) == (sorted(times), max(covered, default=None))
    for earlier, later in pairwise(rows):
        assert earlier.last_at_us < later.first_at_us


@some
@given(draws=drawn)
def test_the_views_show_the_draws_one_by_one(few_to_a_row, books: Books, draws):
    with closing(books.database()) as database:
        for kept, view in ((LOT_DRAW_BLOCK, LOT_DRAW), (POSTED_DRAW_BLOCK, POSTED_DRAW)):
            late = draws if view is POSTED_DRAW else once(
                [[one._replace(happened_us=one.at_us)] for one in draws if one.number == 1]
            )  # fmt: skip
            database.execute(f"DELETE FROM {kept.name}")
            for account in (ONE, TWO):
                database.insert(kept, blocks(account, late))
            assert shown(database, view) == sorted(
                (row_of(account, draw, view) for draw in late for account in (ONE, TWO)),
                key=repr,
            )


@some
@given(draws=drawn, cut=st.tuples(st.integers(0, 41), times))
def test_draws_are_found_by_time(few_to_a_row, books: Books, draws, cut):
    since, until = T0 + cut[0] * DAY_US, T0 + cut[0] * DAY_US + cut[1] * 30
    in_order = sorted(draws, key=lambda draw: draw[:5])
    with closing(books.database()) as database:
        database.execute("DELETE FROM posted_draw_block")
        for account in (ONE, TWO):
            database.insert(POSTED_DRAW_BLOCK, blocks(account, draws))

        found = list(draws_between(database, ONE, since, until, posted=True))
        assert found == [draw for draw in in_order if since <= draw.at_us < until]

        covered = covered_between(database, ONE, since, until, posted=True)
        assert covered == sorted(
            (d for d in draws if d.at_us < since <= (d.covered_us or 0) < until),
            key=lambda draw: (draw.covered_us, *draw[2:5]),
        )

        assert sorted(owed_of(database, ONE, posted=True), key=repr) == sorted(
            (draw for draw in draws if draw.lot is None or draw.covered_us is not None),
            key=repr,
        )

        used = [draw for draw in in_order if draw.kind == "used" and draw.at_us >= since]
        assert sorted(next_used(database, ONE, since, posted=True), key=repr) == sorted(
            (draw for draw in used if draw.at_us == used[0].at_us), key=repr
        )
        milli = sum(draw.milli for draw in draws)
        expected = {ONE: milli, TWO: milli} if draws else {}
        assert drawn_milli(database, posted=True) == expected


def test_what_goes_on_as_before_is_not_said_again():
    lot, other = LotId(ONE, "b-1"), LotId(TWO, "b-2")
    day, next_day = "2026-10-01", "2026-10-02"
    at = [T0, T0 + 60_000_000, T0 + DAY_US - 5_000_000]
    rows = blocks(ONE, [
        LotDraw(at[0], at[0], "transfer", "t-1", 1, day, lot, 8000, 500, None),
        LotDraw(at[0], at[0], "used", "", 1, day, lot, 7000, 1000, None),
        LotDraw(at[1], at[1], "used", "", 1, day, lot, 8500, 2000, None),
        LotDraw(at[1], at[1], "used", "", 2, day, other, 100, 50, at[2]),
        LotDraw(at[2], at[1], "used", "", 1, next_day, None, 0, 70, None),
        LotDraw(at[2], at[2], "used", "", 1, next_day, lot, 10600, 30, None),
    ])  # fmt: skip
    assert [tuple(row) for row in rows] == [(
        ONE, at[2], at[0], at[2], day, 1_000_000,
        f'[["b-1",7000],["b-2",100,"{TWO}"],[null]]',
        '[[0,0,1000],[0,0,500,0,"transfer","t-1"],[0,60,2000],'
        '[0,60,50,1,"used","",0,86335],[1,-5,70,2,"used","",0,null,86335],'
        '[1,-5,30,0,"used","",100]]',
    )]  # fmt: skip


# --- damaged, and as they were --------------------------------------------------------------


@pytest.fixture
def late(books: Books) -> Books:
    books.draw(STORY)
    close_month(books, "2025-10")
    books.draw(LATE)
    books.rows("lots")
    return books


BROKEN = [
    "draws = 'none'", "draws = '[[0]]'", "draws = '[[0,0,1000,7]]'", "draws = '{}'",
    "draws = '[[0,0,1000,-1]]'", "draws = '[[0,0,1.5]]'", "draws = '[[999999999,0,1]]'",
    "draws = '[]'", "unit_us = 7", "first_at_us = 0", "lots = ''", "lots = '[]'",
    "lots = '[[1]]'", "day = '2026-13-45'", "day = ''",
]  # fmt: skip
READING = [
    ("lots",), ("lots", "--draws"), ("value",), ("value", "--as-of", "2025-10-03"),
    ("stmt", ONE, "--lots"), ("stmt", ONE, "--lines", "--lots"), ("reg", "--lots"),
    ("sheet", "-p", "2025-10"), ("check",), ("check", "--full"),
]  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_no_block_is_told_as_damage_in_one_line(sqlite_books, broken):
    sqlite_books.draw(STORY).rows("lots")
    stores.damage(sqlite_books.url, f"UPDATE lot_draw_block SET {broken}")
    for words in READING:
        ran = sqlite_books.type(*words)
        assert ran.status == 4, words
        if words[0] != "check":
            assert (ran.out, ran.err.count("\n")) == ("", 1), words
            assert "rebuild --only lots" in ran.err
    assert sqlite_books.type("rebuild", "--only", "lots").status == 0
    assert sqlite_books.type("check", "--full").status == 0


@pytest.mark.parametrize("lot", ["b-9", "opening+balance"])
def test_a_draw_of_a_lot_that_is_not_there_is_told_in_one_line(sqlite_books, lot):
    sqlite_books.draw(STORY).rows("lots")
    change = "UPDATE lot_draw_block SET lots = REPLACE(lots, 'b-1\"', :lot)"
    stores.damage(sqlite_books.url, change, lot=f'{lot}"')
    for words in [*READING, ("export", "hledger"), ("export", "entries", "-p", "2025-10")]:
        ran = sqlite_books.type(*words)
        if words != ("check",):  # which holds sums against each other
            assert ran.status == 4, words
        if words[0] != "check":
            assert (ran.out, ran.err.count("\n")) == ("", 1), words
            assert "rebuild --only lots" in ran.err


def test_what_is_no_block_is_told_on_either_database_and_basis(late: Books):
    for table in ("lot_draw_block", "posted_draw_block"):
        stores.damage(late.url, f"UPDATE {table} SET draws = 'none'")
    for words in ("value", "value --basis happened", "check", "check --full"):
        assert late.type(*words.split()).status == 4, words


def test_a_block_that_shows_what_it_should_and_is_another_one_is_found(late: Books):
    stores.damage(late.url, "UPDATE posted_draw_block SET covered_at_us = 7")
    ran = late.type("check", "--full", "-O", "json")
    assert ran.status == 4
    assert {row["subject"] for row in ran.rows} == {"lots (posted_draw_block)"}


def test_a_changed_draw_is_named(late: Books):
    stores.damage(late.url, "UPDATE lot_draw_block SET draws = REPLACE(draws, 't-1', 't-2')")
    ran = late.type("check", "--full", "-O", "json")
    assert {row["subject"] for row in ran.rows} == {"lots (lot_draw)"}
    assert "reference t-2, number 1: expected no such row, found one" in ran.out


def migrate_again(books: Books) -> None:
    """Run the migration of this, on the tables of before."""
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    ((path),) = Path(migrations.__file__).parent.glob("versions/v*_draw_blocks.py")
    migration = importlib.import_module(f"migrations.versions.{path.stem}")
    on_file = isinstance(books.address, Path)
    connecting = migrations._sqlite_engine if on_file else migrations._postgres_engine
    engine = connecting(books.address)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("CREATE VIEW v_own AS SELECT milli FROM lot_draw")
            connection.exec_driver_sql("GRANT SELECT ON lot_draw, v_own TO PUBLIC")
        with Operations.context(MigrationContext.configure(connection)):
            migration.upgrade()
    engine.dispose()


def test_draws_of_before_are_moved_and_views_and_rights_are_kept(late: Books):
    with closing(late.database()) as database:
        before = {}
        for kept, view in ((LOT_DRAW_BLOCK, LOT_DRAW), (POSTED_DRAW_BLOCK, POSTED_DRAW)):
            before |= {table: shown(database, table) for table in (kept, view)}
            database.execute(f"CREATE TABLE was AS SELECT * FROM {view.name}")
            database.execute(f"DROP VIEW {view.name}")
            database.execute(f"DROP TABLE {kept.name}")
            database.execute(f"ALTER TABLE was RENAME TO {view.name}")
        migrate_again(late)
        assert {table: shown(database, table) for table in before} == before
        assert all(before.values())
        if not isinstance(late.address, Path):
            ((total, readable),) = database.execute(
                "SELECT (SELECT SUM(milli) FROM v_own),"
                " (SELECT COUNT(*) FROM pg_class c, aclexplode(relacl) WHERE grantee = 0"
                " AND relname IN ('lot_draw', 'lot_draw_block', 'v_own'))"
            )
            assert (int(total), readable) == (sum(row[9] for row in before[LOT_DRAW]), 3)
            database.execute("DROP VIEW v_own")
