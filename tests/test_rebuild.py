"""`rebuild` makes the tables again from the events alone, and none is ever half made."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import stores

import cli.rebuild
from ledger.database import connect
from ledger.database.order import whole_transaction
from ledger.files.crew import Crew
from projections import day_sums, month_sums, movement_index, rebuilding, refolding
from projections.lot_books import write
from projections.lots_anew import make_anew
from projections.rebuilding import PARTS, rebuild

ROOT = Path(__file__).parents[1]

STORY = """
    customer ab12345-ovh
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-01 10:00 sms 1.4 tag=otp user=anna
    2026-11-01 11:00 sms 0.7 country=FR
    2026-11-01 10:30 recharge 250 bill-1
    2026-10-02 10:00 correct 1 0.7
    2026-10-02 10:00 send-by 2 berta
    2026-11-01 10:00 reply 1
    account sms-ab12345-2
    2026-10-01 09:00 opening 10
    2026-10-02 11:00 transfer 5 sms-ab12345-1 t-1
    2026-10-03 11:00 break ? line-conflict consumption-1
    2026-10-03 12:00 import 0a1b2c3d4e5f6071
"""

POSTED = (
    "posted_customer", "posted_lot", "posted_arrival", "posted_draw_block", "posted_segment",
    "posted_month", "late_fact",
)  # fmt: skip
TABLES = {
    "balances": ("customer", "account", "file_import", "open_break"),
    "daily-totals": ("daily_block",),
    "register": ("movement", "page_span"),
    "monthly-totals": ("month_block", "page_change"),
    "lots": ("lot", "lot_arrival", "lot_draw_block", "lot_segment", "lot_month", *POSTED),
}
ALL = [table for tables in TABLES.values() for table in tables]


@pytest.fixture
def story(books):
    books.draw(STORY)
    books.rows("reg")
    books.rows("cost")
    books.rows("lots")
    return books


def tables(books, names=ALL):
    with closing(books.database()) as database:
        return {
            name: sorted(database.execute(f"SELECT * FROM {name}"), key=repr)
            for name in (*names, "projection_position", "event_log")
        }


def spoil(books):
    """Make every table wrong."""
    for sql in (
        "UPDATE account SET moved_milli = 1, opening_milli = 2, customer = customer",
        "UPDATE customer SET time_zone = 'Europe/London'",
        "DELETE FROM file_import",
        "UPDATE open_break SET text = ''",
        "DELETE FROM daily_total WHERE kind = 'reply'",
        "UPDATE daily_total SET milli = 0",
        "UPDATE movement SET milli = 0",
        "DELETE FROM page_span",
        "UPDATE monthly_total SET count = 9",
        "DELETE FROM page_change",
        "UPDATE lot SET milli = milli + 1",
        "UPDATE lot_arrival SET milli = milli + 1",
        "DELETE FROM lot_draw_block",
        "UPDATE lot_segment SET milli = milli + 1",
        "UPDATE lot_month SET cost_cents = cost_cents + 1",
        "UPDATE projection_position SET position = 3",
    ):
        stores.damage(books.url, sql)


def test_a_rebuild_leaves_tables_that_are_right_as_they_are(story):
    before = tables(story)
    ran = story.type("rebuild")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == (
        "balances, daily totals, register, monthly totals and lots:"
        " made again from 16 events with 3 lines\n"
    )
    assert tables(story) == before


def test_a_rebuild_makes_tables_right_again(story):
    before = tables(story)
    spoil(story)
    assert story.type("check").status == 4
    assert story.type("rebuild").status == 0
    assert tables(story) == before
    assert story.type("check", "--full").status == 1  # the import that is not complete


@pytest.mark.parametrize("part", PARTS)
def test_one_part_is_rebuilt_and_the_others_are_left_alone(story, part):
    right = tables(story)
    spoil(story)
    wrong = tables(story)
    ran = story.type("rebuild", "--only", part)
    assert (ran.status, ran.out.partition(":")[0]) == (0, part.replace("-", " "))
    found = tables(story)
    for name in ALL:
        assert found[name] == (right if name in TABLES[part] else wrong)[name], name


def test_several_parts_may_be_named(story):
    ran = story.type("rebuild", "--only", "register", "--only", "balances")
    assert ran.out.startswith("balances and register: made again")


def test_a_part_that_there_is_not_is_misuse(story):
    ran = story.type("rebuild", "--only", "log")
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert "'balances', 'daily-totals', 'register', 'monthly-totals', 'lots'" in ran.err


def test_an_empty_ledger_is_rebuilt(books):
    assert books.type("rebuild").status == 0
    assert books.type("check", "--full").status == 0


def test_a_rebuild_from_nothing_needs_no_projection_to_have_run(books):
    books.draw(STORY)
    assert books.type("rebuild").status == 0
    known = tables(books)
    assert dict(known["projection_position"]) == {
        "register": 16,
        "monthly-totals": 16,
        "lots": 16,
    }


def test_the_command_names_the_parts_that_there_are():
    assert cli.rebuild.PARTS == PARTS
    for part, found in rebuilding._TABLES.items():
        assert {table.name for table in found} == set(TABLES[part])


@pytest.mark.parametrize("processes", ["1", "2"])
def test_two_processes_make_what_one_makes(story, processes, monkeypatch):
    monkeypatch.setattr(refolding, "_PAGES_PER_TASK", 1)
    before = tables(story)
    spoil(story)
    assert story.type("rebuild", "--processes", processes).status == 0
    assert tables(story) == before


def test_what_does_not_fit_into_memory_goes_through_scratch_tables(story, monkeypatch):
    for module in (day_sums, month_sums, movement_index):
        monkeypatch.setattr(module, "_AT_MOST", 1)
    monkeypatch.setattr(refolding, "_SECTION", 2)
    before = tables(story)
    spoil(story)
    assert story.type("rebuild").status == 0
    assert tables(story) == before


# --- others that record meanwhile ----------------------------------------------------------


class Meanwhile:
    """Records something when it is told how far a rebuild is, a few times."""

    def __init__(self, books, *drawings):
        self.books = books
        self.left = list(drawings)

    def __call__(self, what, done, total):
        if self.left and done == 5:
            self.books.draw(self.left.pop(0))


def rebuilt(books, watch):
    with closing(books.database()) as database:
        return rebuild(database, writing=whole_transaction, watch=watch)


def test_what_is_recorded_meanwhile_is_in_the_new_tables(story):
    spoil(story)
    watch = Meanwhile(
        story,
        """
        account sms-ab12345-1
        2026-10-05 09:00 gift 1 g-1
        2026-10-05 10:00 correct 2 0.35
        2026-10-05 10:00 sms 2 user=carla
        account sms-ab12345-3
        2026-10-05 09:00 opening 7
        2026-10-05 10:00 sms 2 tag=otp
        """,
    )
    assert rebuilt(story, watch).lines == 5
    assert [f for f in story.rows("check", "--full") if f["severity"] == "integrity"] == []
    assert story.rows("bal")[2]["credits"] == "5"


@pytest.mark.parametrize("times", [1, 2])
def test_where_openings_are_restated_meanwhile_it_begins_again(story, times):
    """The last attempt holds off writers."""
    restated = [
        f"account sms-ab12345-1\n2026-09-{20 - n} 08:00 opening 105 0" for n in range(times)
    ]
    watch = Meanwhile(story, *restated)
    done = rebuilt(story, watch)
    ((position,),) = story.table("SELECT MAX(position) FROM event_log")
    assert (watch.left, done.events, done.lines) == ([], position, 3)
    assert [f for f in story.rows("check", "--full") if f["severity"] == "integrity"] == []


# --- ended in the middle -------------------------------------------------------------------

WAITING = """
import sys, time
from projections import rebuilding

def wait(*_):
    print("waiting", flush=True)
    time.sleep(60)

if sys.argv[1] == "reading":
    rebuilding._Making._watched = wait
else:
    rebuilding.move = wait  # the new rows are in their places, not committed

from cli import main
sys.argv[1:2] = []
main()
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("place", ["reading", "exchanging"])
def test_a_rebuild_that_is_ended_leaves_everything_as_it_was(story, place, ending):
    spoil(story)
    before = tables(story)
    words = [sys.executable, "-c", WAITING, place, "--database", story.url, "rebuild"]
    with subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "waiting\n"
        assert tables(story) == before  # others read the old rows all the time
        started.send_signal(ending)
        _, said = started.communicate()
    assert started.returncode == (130 if ending == signal.SIGINT else -signal.SIGKILL)
    assert "Traceback" not in said
    assert tables(story) == before
    assert story.type("rebuild").status == 0
    assert story.type("check", "--full").status == 1


def test_a_rebuild_that_fails_leaves_everything_as_it_was(story, monkeypatch):
    spoil(story)
    before = tables(story)
    balance = rebuilding.refold_balances

    def wrong(database):
        return {name: one._replace(moved_milli=5) for name, one in balance(database).items()}

    monkeypatch.setattr(rebuilding, "refold_balances", wrong)
    ran = story.type("rebuild")
    assert (ran.status, ran.out) == (4, "")
    assert ran.err == (
        "sms-ledger: expected the days of sms-ab12345-1 to come to 0.005 credits, as the"
        " headers of its pages do, found 252.6: no table was changed; `sms-ledger check --full`"
        " tells all that is wrong\n"
    )
    assert tables(story) == before


def test_damaged_events_are_not_made_into_tables(story):
    topic = "sms.page-recorded.1"
    found = story.table(f"SELECT state FROM stored_events WHERE topic = '{topic}'")
    stores.damage(
        story.url,
        "UPDATE stored_events SET state = :state WHERE topic = :topic",
        state=bytes(found[0][0]) + b"1",
        topic=topic,
    )
    before = tables(story)
    ran = story.type("rebuild")
    assert (ran.status, ran.out) == (4, "")
    assert "expected a body with the digest" in ran.err
    assert "no table was changed" in ran.err
    assert tables(story) == before


# --- where nothing may be written ----------------------------------------------------------


def test_a_read_only_file_is_told_before_the_work(sqlite_books):
    books = sqlite_books.draw(STORY)
    with closing(connect(books.path, read_only=True)) as database:
        told = []
        with pytest.raises(Exception, match=r"expected to write to .*, found it read-only"):
            rebuild(database, writing=_on_the_same_file, watch=lambda *step: told.append(step))
    assert told == []


def _on_the_same_file(database):
    database.execute("PRAGMA query_only = ON")
    return whole_transaction(database)


def test_a_role_that_may_not_write_is_told_before_the_work(postgres_books):
    books = postgres_books.draw(STORY)
    books.table("CREATE ROLE reads LOGIN")
    try:
        for table in books.table("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            books.table(f"GRANT SELECT ON {table[0]} TO reads")
        url = books.url.replace("postgres@", "reads@")
        from books import Books

        ran = Books(url).type("rebuild")
        assert (ran.status, ran.out, ran.err.count("\n")) == (6, "", 1)
        assert "found that the role lacks it (permission denied for table" in ran.err
    finally:
        books.table("DROP OWNED BY reads")
        books.table("DROP ROLE reads")


# --- lots, customers side by side ------------------------------------------------------------

OTHERS = """
    customer cd12345-ovh
    account sms-cd12345-1
    2026-10-01 09:00 opening 3
    2026-10-02 10:00 recharge 100 bill-2
    2026-10-02 11:00 sms 4.2
    2026-11-02 11:00 sms 2.8
"""
LOTS_TABLES = (*TABLES["lots"], "projection_position")


@pytest.fixture
def customers(story):
    story.draw(OTHERS)
    story.rows("lots")
    return story


def made_anew(books, run):
    """Make the lots of several customers again; gives their tables."""
    with closing(books.database()) as database:
        found = make_anew(database, run)
        with database.transaction():
            write(database, found, anew=True)
    return tables(books, LOTS_TABLES)


@pytest.mark.parametrize("processes", [1, 2])
def test_lots_of_several_customers_are_made_side_by_side_as_one_after_the_other(
    customers, processes
):
    before = tables(customers, LOTS_TABLES)
    stores.damage(customers.url, "DELETE FROM lot_segment")
    with Crew(helped=processes > 1) as crew:
        assert made_anew(customers, crew.run) == before


def test_lots_are_of_one_state_of_the_ledger_whatever_is_recorded_meanwhile(customers):
    portions = []

    def run(function, tasks):
        for task in tasks:
            portions.append(task)
            yield function(task)
            if len(portions) == 1:
                customers.draw("account sms-cd12345-1\n2026-11-03 11:00 sms 0.7")

    found = made_anew(customers, run)
    assert len(portions) == 2  # the second finds that the log went on
    customers.rows("lots")
    assert tables(customers, LOTS_TABLES) == found
