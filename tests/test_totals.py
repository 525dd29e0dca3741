"""Balances and daily totals are written with the events, and can be made again from them."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from books import Books
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.canonical import PageHeader, amounts, decode, encode, leaf, page_header
from ledger.errors import IntegrityFailure
from ledger.events import (
    BY_TOPIC,
    BalanceOpened,
    FromOperator,
    OpeningRestated,
    PageRecorded,
    Stamp,
)
from ledger.movements import movements
from ledger.pages import Line, record_pages
from ledger.times import from_us, local_day, to_us
from ledger.totals import (
    VIEWS,
    Balance,
    Recorded,
    balances,
    refold,
    refold_balances,
    views,
    write,
)

STORY = """
    customer ab12345-ovh Europe/Rome
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-01 10:00 sms 1.4
    2026-10-01 23:59 sms 0.7
    2026-10-02 00:00 sms 1
    2026-10-02 09:00 purchase 250 bill-1
"""


def account(books, name="sms-ab12345-1"):
    figures = books.table("SELECT account, opening_milli, moved_milli FROM account")
    return next(row[1:] for row in figures if row[0] == name)


def days(books):
    return books.table(
        "SELECT day, kind, count, milli FROM daily_total ORDER BY account, day, kind"
    )


@pytest.mark.parametrize("together", [False, True])
def test_a_balance_is_its_opening_and_what_moved_since(books, together):
    books.draw(STORY, together=together)
    assert account(books) == (100_000, 246_900)


@pytest.mark.parametrize("together", [False, True])
def test_days_are_local_and_totals_are_signed_by_kind(books, together):
    books.draw(STORY, together=together)
    assert days(books) == [
        ("2026-10-01", "consumption", 2, -2_100),
        ("2026-10-02", "consumption", 1, -1_000),
        ("2026-10-02", "purchase", 1, 250_000),
    ]


@pytest.mark.parametrize("together", [False, True])
def test_an_opening_after_lines_leaves_the_earlier_ones_out(books, together):
    """Also when more is recorded in the opening's own transaction: nothing counts twice."""
    books.draw(
        """
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-01 09:00 sms 5
        2026-10-02 09:00 opening 10
        2026-10-03 09:00 purchase 100 bill-1
        """,
        together=together,
    )
    assert account(books) == (10_000, 100_000)
    assert days(books) == [("2026-10-03", "purchase", 1, 100_000)]


@pytest.mark.parametrize("together", [False, True])
def test_a_restated_opening_counts_the_earlier_ones_again(books, together):
    books.draw(
        """
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-02 09:00 opening 95
        2026-10-03 09:00 sms 1
        2026-10-01 09:00 opening 100 -5
        2026-10-01 10:00 sms 5
        """,
        together=together,
    )
    assert account(books) == (100_000, -6_000)


def test_a_movement_at_the_opening_is_counted_and_one_just_before_it_is_not(books):
    books.draw("""
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-02 00:00 opening 10
        2026-10-01 23:59:59.999999 sms 2
        2026-10-02 00:00 sms 1
    """)
    assert account(books) == (10_000, -1_000)


def test_without_an_opening_everything_counts_towards_what_moved(books):
    books.draw("""
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-01 09:00 sms 5
    """)
    assert account(books) == (None, -5_000)


def test_a_transfer_moves_both_accounts_in_one_transaction(books):
    books.draw("""
        customer ab12345-ovh
        account sms-ab12345-2
        2026-10-01 09:00 opening 0
        account sms-ab12345-1
        2026-10-01 09:00 opening 100
        2026-10-02 09:00 transfer 40 sms-ab12345-2 t-1
    """)
    assert account(books) == (100_000, -40_000)
    assert account(books, "sms-ab12345-2") == (0, 40_000)


def test_a_correction_changes_the_day_of_its_line(books):
    books.draw(STORY + "2026-10-09 09:00 correct 1 0.4")
    assert ("2026-10-01", "correction", 1, 1_000) in days(books)


def test_breaks_and_imports_are_kept_with_the_events(books):
    books.draw("""
        customer ab12345-ovh
        2026-10-01 09:00 import 0a1b
        account sms-ab12345-1
        2026-10-01 09:00 break ? too-fine row-7
    """)
    assert books.table("SELECT sha256, completed_at_us FROM file_import") == [("0a1b", None)]
    assert books.table("SELECT kind, reference, credits_milli FROM open_break") == [
        ("too-fine", "row-7", None)
    ]
    books.draw("customer ab12345-ovh\n2026-10-01 10:00 imported 0a1b")
    ((completed,),) = books.table("SELECT completed_at_us FROM file_import")
    assert completed is not None


def test_the_log_counts_1_2_3_without_holes_across_streams(books):
    books.draw(STORY)
    log = books.table("SELECT position, stream, version FROM event_log ORDER BY position")
    assert [row[0] for row in log] == list(range(1, len(log) + 1))
    assert log[3] == (4, "sms-ab12345-1/consumption", 1)


def test_a_customer_of_the_log_is_that_of_the_account(books):
    books.draw(STORY)
    assert books.table("SELECT DISTINCT customer FROM event_log") == [("ab12345-ovh",)]


def test_the_views_belong_to_the_schema(books):
    with closing(books.database()) as database:
        assert set(VIEWS) <= database.tables()


# --- positions ------------------------------------------------------------------------------


def events_of(database):
    return database.execute(
        "SELECT stream, version, s.topic, s.state FROM event_log JOIN stored_events s"
        " ON originator_id = stream AND originator_version = version ORDER BY position"
    )


def recorded(stream, version, event):
    state = encode(event)
    return Recorded(stream, version, event.TOPIC, state, event)


def test_positions_go_on_within_and_across_transactions(books):
    books.draw(STORY)
    with closing(books.database()) as database:
        ((before,),) = database.execute("SELECT MAX(position) FROM event_log")
        event = decode(*events_of(database)[-1][2:])
        for _ in range(2):
            with database.transaction() as rows:
                ((last,),) = rows.execute("SELECT MAX(version) FROM event_log")
                more = [recorded("sms-ab12345-1", last + n, event) for n in (1, 2, 3)]
                first, *rest = write(rows, more[:1]) + write(rows, more[1:])
                assert [first, *rest] == [before + 1, before + 2, before + 3]
                before = rest[-1]
        positions = database.execute("SELECT position FROM event_log ORDER BY position")
        assert [row[0] for row in positions] == list(range(1, before + 1))


def test_what_a_transaction_did_not_commit_leaves_no_hole(books):
    books.draw(STORY)
    with closing(books.database()) as database:
        stream, version, topic, state = events_of(database)[-1]
        again = Recorded(stream, version + 1, topic, bytes(state), decode(topic, state))

        def give_up():
            with database.transaction() as rows:
                write(rows, [again])
                raise RuntimeError

        with pytest.raises(RuntimeError):
            give_up()
        ((last,),) = database.execute("SELECT MAX(position) FROM event_log")
        with database.transaction() as rows:
            assert write(rows, [again]) == [last + 1]
            assert write(rows, []) == []


def test_the_log_has_the_digest_of_every_event(books):
    books.draw(STORY, together=True)
    with closing(books.database()) as database:
        digests = database.execute("SELECT leaf FROM event_log ORDER BY position")
        assert [bytes(row[0]) for row in digests] == [
            leaf(stream, version, topic, bytes(state))
            for stream, version, topic, state in events_of(database)
        ]


def test_an_event_of_an_account_that_is_none_is_refused(books):
    books.draw(STORY)
    with closing(books.database()) as database:
        event = decode(*events_of(database)[-1][2:])
        with pytest.raises(ValueError, match="expected the account sms-none-1 with its"):
            write(database, [recorded("sms-none-1", 1, event)])


# --- made again -----------------------------------------------------------------------------

RESTATED = """
    customer ab12345-ovh Europe/Rome
    account sms-ab12345-2
    account sms-ab12345-1
    2026-10-02 09:00 opening 95
    2026-10-02 08:00 sms 3
    2026-10-02 09:00 sms 1
    2026-10-03 09:00 sms 1
    2026-10-03 10:00 purchase 250 bill-1
    2026-10-04 10:00 correct 2 0.5
    2026-10-01 09:00 opening 100 -5
    2026-10-01 09:30 sms 5
    2026-10-01 08:30 sms 7
    account sms-ab12345-3
    2026-10-01 09:30 sms 5
"""


def assert_made_again(database):
    """The views are those that the events give; they are made beside the ledger's own."""
    stored = [(s, v, topic, bytes(state)) for s, v, topic, state in events_of(database)]
    database.shadow(VIEWS)
    refold(database, stored)
    for view in VIEWS:
        made, kept = (
            sorted(database.execute(f"SELECT * FROM {place}.{view}"), key=repr)
            for place in ("temp", "main")
        )
        assert made == kept, view


def accounts_of(database):
    return {
        account: Balance(opening, moved)
        for account, opening, moved in database.execute(
            "SELECT account, opening_milli, moved_milli FROM account"
        )
    }


@pytest.mark.parametrize("at_once", [1, 2, 500])
@pytest.mark.parametrize("together", [False, True])
def test_the_views_are_made_again_whatever_is_taken_at_once(
    books, together, at_once, monkeypatch
):
    """Also the recount of a restated opening, and the customer of each entry."""
    monkeypatch.setattr(views, "_COUNTED_AT_ONCE", at_once)
    monkeypatch.setattr(views, "_REFOLDED_AT_ONCE", at_once)
    books.draw(RESTATED, together=together)
    with closing(books.database()) as database:
        assert_made_again(database)


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("story", [STORY, RESTATED])
def test_balances_come_out_of_the_events_again(books, story, together):
    books.draw(story, together=together)
    with closing(books.database()) as database:
        assert refold_balances(database) == accounts_of(database)


def test_balances_need_no_body_but_where_the_opening_cuts_a_page(books, monkeypatch):
    opened = []

    def look(page):
        opened.append(page.count)
        return page_costs(page)

    page_costs = balances.page_costs
    monkeypatch.setattr(balances, "page_costs", look)
    books.draw(STORY)
    books.draw("""
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-01 08:00 sms 9
    """)
    with closing(books.database()) as database:
        assert refold_balances(database) == accounts_of(database)
        assert opened == []
        books.draw("""
            customer ab12345-ovh
            account sms-ab12345-1
            2026-10-01 08:00 sms 9
            2026-10-01 09:00 sms 9
        """)
        assert refold_balances(database) == accounts_of(database)
        assert opened == [2]


def test_a_header_that_is_longer_than_most_is_read_whole(books, monkeypatch):
    monkeypatch.setattr(balances, "_MOVEMENTS", balances._MOVEMENTS.replace("1024", "99"))
    books.draw(STORY)
    with closing(books.database()) as database:
        assert refold_balances(database) == accounts_of(database)


SAMPLES = Path(__file__).parent / "data" / "topics"
TOPICS = sorted(set(BY_TOPIC) - {PageRecorded.TOPIC})


@pytest.mark.parametrize("topic", TOPICS)
def test_the_amounts_of_an_event_say_what_its_movements_say(topic):
    state = (SAMPLES / f"{topic}.state").read_bytes()
    moved = sum(one.milli for one in movements(decode(topic, state)))
    assert moved == (balances.MOVED[topic](amounts(topic, state)) if moved else 0)
    assert bool(moved) == (topic in balances.MOVED)


def test_amounts_that_cannot_be_read_are_told():
    with pytest.raises(IntegrityFailure, match=r"expected a stored sms\.transfer-sent\.1"):
        amounts("sms.transfer-sent.1", b"{}")


def test_pages_of_an_account_that_was_never_opened_are_found(books):
    books.draw(STORY)
    with closing(books.database()) as database:
        ((state,),) = database.execute(
            "SELECT state FROM stored_events WHERE topic = :topic", topic=PageRecorded.TOPIC
        )
        database.execute(
            "INSERT INTO stored_events (originator_id, originator_version, topic, state)"
            " VALUES ('sms-none-1/consumption', 1, :topic, :state)",
            topic=PageRecorded.TOPIC,
            state=state,
        )
        with pytest.raises(IntegrityFailure, match="account of sms-none-1/consumption"):
            refold_balances(database)


AT = datetime(2026, 10, 2, 9, tzinfo=UTC)
STAMP = Stamp(recorded_at=AT, actor="tester", command_id="c-1", source=FromOperator())


def test_a_header_is_read_without_its_body():
    lines = [Line(id=n, at_us=to_us(AT) + n, milli=60) for n in (1, 2)]
    (page,) = record_pages("hlr", lines, numbers="n", stamp=STAMP)
    state = encode(page)
    header, newline, _ = state.partition(b"\n")
    assert (
        page_header(state)
        == page_header(header + newline)
        == PageHeader(page.first_at, page.last_at, page.spent.milli)
    )
    assert page_header(header) is None
    for wrong in (b"{}\n", b"no json\n", header.replace(b"120", b'"120"') + b"\n"):
        with pytest.raises(IntegrityFailure, match="expected the header of a page"):
            page_header(wrong)


# --- any small book -------------------------------------------------------------------------

# Clocks go back in the following night.
EVE = datetime(2026, 10, 24, tzinfo=UTC)
minutes = st.integers(0, 60 * 24 * 3) | st.sampled_from([0, 1319, 1320, 2820])
words = st.sampled_from(["sms", "sms", "sms", "reply", "purchase", "opening"])


def drawing(steps):
    """Write steps as a drawing; its lines stand in any order, as pages may."""
    rows = ["customer ab12345-ovh Europe/Rome", "account sms-ab12345-1"]
    for number, (minute, word, milli) in enumerate(steps):
        at = EVE + timedelta(minutes=minute)
        credits = f"{milli // 1000}.{milli % 1000:03d}"
        bill = f" bill-{number}" if word == "purchase" else ""
        rows.append(f"{at:%Y-%m-%d %H:%M}+00:00 {word} {credits}{bill}")
    return "\n".join(rows)


def folded_days(database):
    """Add up the movements of all events from the opening on, one by one."""
    events = [decode(topic, bytes(state)) for _, _, topic, state in events_of(database)]
    openings = [e.happened_at for e in events if isinstance(e, BalanceOpened | OpeningRestated)]
    since_us = to_us(openings[-1]) if openings else 0
    found = {}
    for movement in (one for event in events for one in movements(event)):
        if movement.at_us >= since_us:
            day = local_day(from_us(movement.at_us), ZoneInfo("Europe/Rome")).isoformat()
            count, milli = found.get((day, movement.kind), (0, 0))
            found[day, movement.kind] = (count + 1, milli + movement.milli)
    return [(*key, *found[key]) for key in sorted(found)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(minutes, words, st.integers(0, 3000)), max_size=14), st.booleans())
def test_a_small_book_comes_to_what_its_lines_come_to(sqlite, steps, together):
    with sqlite.ledger() as url:
        books = Books(url)
        books.draw(drawing(steps), together=together)
        with closing(books.database()) as database:
            assert days(books) == folded_days(database)
            assert refold_balances(database) == accounts_of(database)
            assert_made_again(database)
