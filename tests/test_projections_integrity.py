"""`check` finds every place where what is stored contradicts itself, and says all of them."""

from __future__ import annotations

from contextlib import closing

import pytest
import stores

STORY = """
    customer ab12345-ovh
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-01 10:00 sms 1.4
    2026-10-01 11:00 sms 0.7
    2026-10-02 09:00 recharge 250 bill-1
    2026-10-02 10:00 correct 1 0.7
    account sms-ab12345-2
    2026-10-01 09:00 opening 10
    2026-10-02 11:00 transfer 5 sms-ab12345-1 t-1
"""


@pytest.fixture
def story(books):
    return books.draw(STORY)


def damage(books, sql, **params):
    stores.damage(books.url, sql, **params)


def dump(books):
    with closing(books.database()) as database:
        return {
            table: sorted(database.execute(f"SELECT * FROM {table}"), key=repr)
            for table in database.tables()
            if not table.startswith("sqlite_")
        }


def put(books, position, topic, state):
    """Put another event in an event's place, with the digest that it has."""
    from ledger.canonical import leaf

    ((stream, version),) = books.table(
        f"SELECT stream, version FROM event_log WHERE position = {position}"
    )
    damage(
        books,
        "UPDATE stored_events SET topic = :topic, state = :state"
        " WHERE originator_id = :stream AND originator_version = :version",
        topic=topic,
        state=state,
        stream=stream,
        version=version,
    )
    damage(
        books,
        "UPDATE event_log SET leaf = :leaf WHERE position = :position",
        leaf=leaf(stream, version, topic, state),
        position=position,
    )


def state_of(books, topic):
    ((state,),) = books.table(f"SELECT state FROM stored_events WHERE topic = '{topic}'")
    return state


def found(books, *words):
    ran = books.type("check", *words, "-O", "json")
    return ran.status, [(row["severity"], row["subject"], row["text"]) for row in ran.rows]


QUICK_AND_FULL = pytest.mark.parametrize("words", [(), ("--full",)], ids=["quick", "full"])


def bring_up(books):
    """Bring all projections up to the log."""
    books.rows("reg")
    books.rows("cost")


@QUICK_AND_FULL
def test_a_whole_ledger_agrees_with_itself(story, words):
    assert found(story, *words) == (0, [])
    bring_up(story)
    assert found(story, *words) == (0, [])


def test_a_check_says_what_it_looked_at(story):
    assert story.type("check").out.startswith(
        "11 events, 2 counted lines, 2 accounts: digests, balances, page headers and sums"
    )
    assert story.type("check", "--full").out.startswith(
        "11 events, 2 lines, 2 accounts: every line was read; digests, balances, totals"
    )


@QUICK_AND_FULL
def test_an_empty_ledger_agrees_with_itself(books, words):
    assert found(books, *words) == (0, [])


@QUICK_AND_FULL
def test_a_check_leaves_the_ledger_as_it_is(story, words):
    bring_up(story)
    before = dump(story)
    story.type("check", *words)
    assert dump(story) == before


@QUICK_AND_FULL
def test_a_changed_event_no_longer_has_its_digest(story, words):
    topic = "sms.credits-purchased.1"
    damage(
        story,
        "UPDATE stored_events SET state = :state WHERE topic = :topic",
        state=state_of(story, topic).replace(b"250000", b"350000"),
        topic=topic,
    )
    status, findings = found(story, *words)
    assert status == 4
    assert findings[0][:2] == ("integrity", "position 5")
    assert "sms-ab12345-1: expected the digest" in findings[0][2]
    subjects = {subject for _, subject, _ in findings[1:]}
    assert subjects == {"daily_total", "account"}


# What is sealed from there on is not what was sealed.
SEALS_OF_5 = {"position 5", "tree of ab12345-ovh", "tree of the ledger"}


@QUICK_AND_FULL
def test_a_digest_changed_along_with_its_event_is_found_by_seals_and_balances(story, words):
    topic = "sms.credits-purchased.1"
    put(story, 5, topic, state_of(story, topic).replace(b"250000", b"350000"))
    status, findings = found(story, *words)
    assert status == 4
    assert {subject for _, subject, _ in findings} == {"daily_total", "account", *SEALS_OF_5}


@QUICK_AND_FULL
def test_a_changed_page_body_is_found_by_its_own_digest(story, words):
    topic = "sms.page-recorded.1"
    put(story, 4, topic, state_of(story, topic)[:-4] + bytes(4))
    findings = found(story, *words)[1]
    assert findings[0][:2] == ("integrity", "position 4")
    assert "expected a body with the digest" in findings[0][2]
    assert [subject for _, subject, _ in findings].count("position 4") == 1


def test_lines_that_are_not_those_of_their_header_are_found_by_a_full_check(story):
    """Whoever writes a page anew writes its digests too: the seals tell, and its lines."""
    from ledger.pages import Columns, pack
    from ledger.pages.body import digest

    topic = "sms.page-recorded.1"
    header, _, body = state_of(story, topic).partition(b"\n")
    other = pack(Columns(id=[1, 2], at_us=[0, 1], milli=[1400, 701])).body
    header = header.replace(digest(body).encode(), digest(other).encode())
    put(story, 4, topic, header + b"\n" + other)
    seals = {"position 4", "tree of ab12345-ovh", "tree of the ledger"}
    assert {subject for _, subject, _ in found(story)[1]} == seals
    status, findings = found(story, "--full")
    assert status == 4
    texts = [text for _, subject, text in findings if subject == "position 4"]
    assert texts[0].startswith("expected the link ")
    assert texts[1].startswith("sms-ab12345-1/consumption: expected first_at 2026-10-01")
    assert "daily_total" in {subject for _, subject, _ in findings}


def test_a_state_that_is_not_even_bytes_is_a_finding_in_a_file(sqlite_books):
    """PostgreSQL holds every column to its type; SQLite does not."""
    story = sqlite_books.draw(STORY)
    damage(story, "UPDATE stored_events SET state = 'text' WHERE topic = 'sms.page-recorded.1'")
    _, (column, event, *_) = found(story)
    assert column[:2] == ("integrity", "stored_events")
    assert event[:2] == ("integrity", "position 4")


def test_unreadable_events_and_unknown_topics_are_findings_not_crashes(story):
    put(story, 3, "sms.unheard-of.1", b"{")
    status, findings = found(story)
    assert status == 4
    assert "a newer sms-ledger" in findings[0][2]


@QUICK_AND_FULL
def test_an_account_without_its_first_event_is_found_and_the_rest_is_checked_too(story, words):
    damage(
        story,
        "DELETE FROM stored_events WHERE originator_id = 'sms-ab12345-1'"
        " AND originator_version = 1",
    )
    story.draw("customer ab12345-ovh\n2026-10-01 09:00 import 0a1b2c3d4e5f6071")
    status, findings = found(story, *words)
    assert status == 4
    assert (findings[-2][1], findings[-1][0]) == ("views", "unfinished")
    assert findings[-2][2].startswith("cannot be made again from the events")


def test_a_hole_in_the_log_is_found(story):
    damage(story, "UPDATE event_log SET position = 99 WHERE position = 11")
    assert ("integrity", "log", "expected the position 11 after 10, found 99") in found(story)[
        1
    ]


def test_a_hole_in_a_stream_is_found(story):
    damage(
        story,
        "DELETE FROM stored_events WHERE originator_id = 'sms-ab12345-1'"
        " AND originator_version = 2",
    )
    status, findings = found(story)
    assert status == 4
    assert findings[0][1:] == (
        "sms-ab12345-1",
        "expected the version 2 after 1, found 3",
    )
    assert findings[1][1:] == (
        "position 3",
        "version 2 of sms-ab12345-1 is in the log, but not in the store",
    )


def test_an_event_that_is_not_in_the_log_is_found(story):
    damage(story, "DELETE FROM event_log WHERE position = 11")
    assert (
        "integrity",
        "sms-ab12345-1",
        "version 5 is stored, but not in the log",
    ) in found(story)[1]


@pytest.mark.parametrize(
    ("subject", "change"),
    [
        ("account", "UPDATE account SET moved_milli = moved_milli + 1"),
        ("daily_total", "UPDATE daily_total SET milli = milli + 1 WHERE kind = 'consumption'"),
        ("daily_total", "DELETE FROM daily_total WHERE kind = 'correction'"),
        ("customer", "UPDATE customer SET time_zone = 'Europe/London'"),
        ("event_log", "UPDATE event_log SET happened_at_us = 0 WHERE position = 4"),
        ("event_log", "UPDATE event_log SET customer = 'other' WHERE position = 4"),
        (
            "register (movement)",
            "UPDATE movement SET milli = milli + 1 WHERE kind = 'recharge'",
        ),
        ("register (page_span)", "DELETE FROM page_span"),
        (
            "monthly-totals (monthly_total)",
            "UPDATE monthly_total SET milli = milli + 1 WHERE dimension = 'tag'",
        ),
        (
            "monthly-totals (monthly_total)",
            "DELETE FROM monthly_total WHERE dimension = 'kind' AND value = 'correction'",
        ),
    ],
)
@QUICK_AND_FULL
def test_a_changed_view_is_found(story, subject, change, words):
    bring_up(story)
    damage(story, change)
    status, findings = found(story, *words)
    assert status == 4
    views = [where for _, where, _ in findings if where != "daily_total"]
    if subject == "daily_total":
        assert subject in {where for _, where, _ in findings}
    else:
        assert set(views) == {subject}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "UPDATE daily_total SET day = '2026-10-03' WHERE kind = 'consumption'",
            ["daily_total: account sms-ab12345-1, day 2026-10-01, kind consumption: expected"
             " account sms-ab12345-1 day 2026-10-01 kind consumption count 2 milli -2100",
             "daily_total: account sms-ab12345-1, day 2026-10-03, kind consumption: expected no"
             " such row, found one"],
        ),
        (
            "UPDATE daily_total SET first_at_us = 0 WHERE kind = 'transfer-in'",
            ["daily_total: account sms-ab12345-1, day 2026-10-02, kind transfer-in: expected"
             " first_at_us 1790931600000000, found first_at_us 0"],
        ),
        (
            "UPDATE daily_block SET last_at_us = 7 WHERE kind = 'transfer-in'",
            ["daily_block: account sms-ab12345-1, month 2026-10, kind transfer-in: expected"
             " last_at_us 1790931600000000, found last_at_us 7"],
        ),
        (
            "UPDATE monthly_total SET value = 'FR' WHERE dimension = 'country'",
            ["monthly-totals (monthly_total): dimension country, month 2026-10, account"
             " sms-ab12345-1, value FR: expected no such row, found one",
             "monthly-totals (monthly_total): dimension country, month 2026-10, account"
             " sms-ab12345-1, value ZZ: expected dimension country month 2026-10 account"
             " sms-ab12345-1 value ZZ count 2 milli -1400, found no such row"],
        ),
        (
            "UPDATE monthly_total SET milli = 0 WHERE dimension = 'user'",
            ["monthly-totals (monthly_total): dimension user, month 2026-10, account"
             " sms-ab12345-1, value (none): expected milli -1400, found milli 0"],
        ),
        (
            "UPDATE month_block SET values_from = 'b' WHERE dimension = 'country'",
            ["monthly-totals (month_block): dimension country, month 2026-10, account"
             " sms-ab12345-1: expected values in their order, each in the block that it is of"],
        ),
        (
            "DELETE FROM page_change",
            ["monthly-totals (page_change): account sms-ab12345-1, page 1, version 2: expected"
             " account sms-ab12345-1 page 1 version 2, found no such row"],
        ),
    ],
)  # fmt: skip
def test_a_full_check_names_every_difference_by_its_key(story, change, said):
    bring_up(story)
    damage(story, change)
    status, findings = found(story, "--full")
    assert status == 4
    assert len(findings) == len(said)
    for (_, subject, text), start in zip(findings, said, strict=True):
        assert f"{subject}: {text}".startswith(start)


def test_many_differences_are_counted_not_listed(books):
    lines = "\n".join(f"2026-10-{day:02d} 09:00 sms 1" for day in range(2, 30))
    books.draw(f"""
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-01 09:00 opening 100
        {lines}
    """)
    damage(books, "UPDATE daily_total SET milli = 0")
    findings = found(books, "--full")[1]
    assert [text for *_, text in findings][4:] == [
        "account sms-ab12345-1, day 2026-10-06, kind consumption: expected milli -1000, found"
        " milli 0",
        "and 23 more rows that differ",
    ]


def test_totals_that_do_not_add_up_are_found_by_a_quick_check(story):
    bring_up(story)
    damage(story, "UPDATE monthly_total SET month = '2026-11' WHERE dimension = 'batch'")
    assert [text for *_, text in found(story)[1]] == [
        f"account sms-ab12345-1, month {month}: expected totals by batch that add up to those"
        " of its days, found others"
        for month in ("2026-10", "2026-11")
    ]
    damage(story, "UPDATE daily_total SET milli = milli + 500 WHERE kind = 'correction'")
    assert found(story)[1][0][1:] == (
        "daily_total",
        "account sms-ab12345-1: expected days that add up to 253.6 credits, found 254.1",
    )


# --- what keeps events from being edited ----------------------------------------------------


@pytest.mark.parametrize("table", ["stored_events", "event_log"])
@QUICK_AND_FULL
def test_a_missing_guard_is_a_finding_of_status_1(sqlite_books, table, words):
    story = sqlite_books.draw(STORY)
    story.table(f"DROP TRIGGER {table}_no_insert")
    status, ((severity, subject, text),) = found(story, *words)
    assert (status, severity, subject) == (1, "unguarded", table)
    assert text.startswith("expected triggers that refuse to edit events, found them gone")


def test_a_guard_that_refuses_nothing_is_none(sqlite_books):
    story = sqlite_books.draw(STORY)
    story.table("DROP TRIGGER event_log_no_delete")
    story.table("CREATE TRIGGER event_log_no_delete BEFORE DELETE ON event_log"
                " BEGIN SELECT 1; END")  # fmt: skip
    assert [subject for _, subject, _ in found(story)[1]] == ["event_log"]


@pytest.mark.parametrize(
    "change",
    [
        "DROP TRIGGER stored_events_append_only ON stored_events",
        "ALTER TABLE stored_events DISABLE TRIGGER stored_events_append_only",
        "ALTER TABLE stored_events ENABLE TRIGGER stored_events_append_only",
    ],
)
def test_a_guard_that_a_session_may_switch_off_is_none(postgres_books, change):
    story = postgres_books.draw(STORY)
    story.table(change)
    status, findings = found(story)
    assert status == 1
    assert [(severity, subject) for severity, subject, _ in findings] == [
        ("unguarded", "stored_events")
    ]


def test_a_guard_whose_function_was_replaced_is_none(postgres_books):
    story = postgres_books.draw(STORY)
    story.table(
        "CREATE OR REPLACE FUNCTION refuse_edit() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RETURN NULL; END'"
    )
    assert [subject for _, subject, _ in found(story)[1]] == ["stored_events", "event_log"]


# --- unfinished work ------------------------------------------------------------------------


@QUICK_AND_FULL
def test_a_projection_that_is_behind_is_no_finding(story, words):
    bring_up(story)
    story.draw("account sms-ab12345-1\n2026-10-05 09:00 gift 1 g-1")
    assert found(story, *words) == (0, [])
    damage(story, "UPDATE monthly_total SET count = count + 1 WHERE dimension = 'kind'")
    assert found(story) == (0, [])
    assert found(story, "--full")[0] == 4


def test_a_projection_that_is_behind_is_compared_as_of_where_it_is(story):
    """Also where the opening was restated since, and all is counted otherwise now."""
    bring_up(story)
    story.draw("""
        account sms-ab12345-1
        2026-09-30 09:00 sms 5
        2026-09-30 08:00 opening 105 -5
    """)
    assert found(story, "--full") == (0, [])
    bring_up(story)
    assert found(story, "--full") == (0, [])


def test_unfinished_imports_and_openings_are_findings_of_status_1(story):
    story.draw("""
        customer ab12345-ovh
        account sms-ab12345-3
        2026-10-01 09:00 import 0a1b2c3d4e5f6071
    """)
    status, findings = found(story)
    assert status == 1
    assert [(severity, subject) for severity, subject, _ in findings] == [
        ("unfinished", "ab12345-ovh"),
        ("unfinished", "sms-ab12345-3"),
    ]


def test_every_report_says_that_an_import_is_not_complete(story):
    story.draw("customer ab12345-ovh\n2026-10-01 09:00 import 0a1b2c3d4e5f6071")
    note = "the import of a file of 3 rows (0a1b2c3d4e5f…) for ab12345-ovh is not complete"
    for words in (["bal"], ["reg"], ["stmt", "sms-ab12345-1"], ["account", "list"]):
        ran = story.type(*words, "-O", "json")
        assert ran.document["notes"][0].startswith(note)
        assert ran.err.startswith(f"note: {note}")
    story.draw("customer ab12345-ovh\n2026-10-01 09:00 imported 0a1b2c3d4e5f6071")
    assert story.type("bal").err == ""
