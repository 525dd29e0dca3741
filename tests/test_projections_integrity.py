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


def found(books):
    ran = books.type("check", "-O", "json")
    return ran.status, [(row["severity"], row["subject"], row["text"]) for row in ran.rows]


def test_a_whole_ledger_agrees_with_itself(story):
    assert found(story) == (0, [])
    assert "11 events, 2 counted lines, 2 accounts" in story.type("check").out


def test_an_empty_ledger_agrees_with_itself(books):
    assert found(books) == (0, [])


def test_a_check_leaves_the_ledger_as_it_is(story):
    story.rows("reg")
    before = dump(story)
    story.type("check")
    assert dump(story) == before


def test_a_changed_event_no_longer_has_its_digest(story):
    topic = "sms.credits-purchased.1"
    damage(
        story,
        "UPDATE stored_events SET state = :state WHERE topic = :topic",
        state=state_of(story, topic).replace(b"250000", b"350000"),
        topic=topic,
    )
    status, findings = found(story)
    assert status == 4
    assert findings[0][:2] == ("integrity", "position 5")
    assert "sms-ab12345-1: expected the digest" in findings[0][2]
    subjects = {subject for _, subject, _ in findings[1:]}
    assert subjects == {"event_log", "daily_total", "account"}


def test_a_digest_changed_along_with_its_event_is_found_by_the_balances(story):
    topic = "sms.credits-purchased.1"
    put(story, 5, topic, state_of(story, topic).replace(b"250000", b"350000"))
    status, findings = found(story)
    assert status == 4
    assert {subject for _, subject, _ in findings} == {"daily_total", "account"}


def test_a_changed_page_body_is_found_by_its_own_digest(story):
    topic = "sms.page-recorded.1"
    put(story, 4, topic, state_of(story, topic)[:-4] + bytes(4))
    finding = found(story)[1][0]
    assert finding[:2] == ("integrity", "position 4")
    assert "expected a body with the digest" in finding[2]


def test_a_state_that_is_not_even_bytes_is_a_finding_in_a_file(sqlite_books):
    """PostgreSQL holds every column to its type; SQLite does not."""
    story = sqlite_books.draw(STORY)
    damage(story, "UPDATE stored_events SET state = 'text' WHERE topic = 'sms.page-recorded.1'")
    assert found(story)[1][0][:2] == ("integrity", "position 4")


def test_unreadable_events_and_unknown_topics_are_findings_not_crashes(story):
    put(story, 3, "sms.unheard-of.1", b"{")
    status, findings = found(story)
    assert status == 4
    assert "a newer sms-ledger" in findings[0][2]


def test_an_account_without_its_first_event_is_found_and_the_rest_is_checked_too(story):
    damage(
        story,
        "DELETE FROM stored_events WHERE originator_id = 'sms-ab12345-1'"
        " AND originator_version = 1",
    )
    story.draw("customer ab12345-ovh\n2026-10-01 09:00 import 0a1b2c3d4e5f6071")
    status, findings = found(story)
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
        "expected the versions 1 to 4, found 4 from 1 to 5",
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
        (
            "register (movement)",
            "UPDATE movement SET milli = milli + 1 WHERE kind = 'recharge'",
        ),
        ("register (page_span)", "DELETE FROM page_span"),
    ],
)
def test_a_changed_view_is_found(story, subject, change):
    story.rows("reg")
    damage(story, change)
    status, findings = found(story)
    assert status == 4
    assert {where for _, where, _ in findings} == {subject}


def test_many_differences_are_counted_not_listed(books):
    lines = "\n".join(f"2026-10-{day:02d} 09:00 sms 1" for day in range(2, 30))
    books.draw(f"""
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-01 09:00 opening 100
        {lines}
    """)
    damage(books, "UPDATE daily_total SET milli = 0")
    findings = found(books)[1]
    assert len(findings) == 12
    assert findings[5][2] == "holds a row that the events do not give: and 23 more"


def test_a_projection_that_is_behind_is_no_finding(story):
    story.rows("reg")
    story.draw("account sms-ab12345-1\n2026-10-05 09:00 gift 1 g-1")
    assert found(story) == (0, [])


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
