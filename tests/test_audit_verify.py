"""`audit verify`: what is tampered with is found; what is not is never accused."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from books import Books, books_in
from stores import damage
from tampering import BESIDE, OF_EVENTS, Tamper, disarmed, edit, events, redigest, reseal

from ledger.database import connect
from ledger.errors import DatabaseUnusable, IntegrityFailure
from ledger.merkle import Anchor, Expected, root_of
from projections.verification import Verification, verify

STORY = """
    customer ab12345-ovh Europe/Rome
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-01 10:00 sms 1.4 tag=otp country=FR user=anna
    2026-10-01 10:05 sms 0.7
    2026-10-02 09:00 recharge 250 bill-1
    2026-10-02 11:00 gift 10 gift-1
    2026-10-02 12:00 correct 1 0.7
    2026-10-03 09:00 sms 0.7
    2026-10-03 18:00 saw 357.9
    customer cd67890-ovh Europe/Paris
    account sms-cd67890-1
    2026-10-02 11:00 opening 5
    2026-10-02 11:05 sms 1
    2026-10-02 11:10 saw 4
    account sms-cd67890-2
    2026-10-02 11:15 opening 50
    2026-10-02 12:00 transfer 5 sms-cd67890-1 t-1
"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Books:
    return books_in(tmp_path_factory.mktemp("books")).draw(STORY)


@pytest.fixture(scope="module")
def anchors(drawn) -> list[Anchor]:
    """The anchors that reports would have shown at every position."""
    found = [
        bytes(leaf) for (leaf,) in drawn.table("SELECT leaf FROM event_log ORDER BY position")
    ]
    return [Anchor(size, root_of(found[:size])) for size in range(1, len(found) + 1)]


@pytest.fixture(scope="module")
def unguarded(drawn, tmp_path_factory) -> Path:
    """The same ledger without its guards, in one file."""
    path = tmp_path_factory.mktemp("open") / "ledger.db"
    with closing(sqlite3.connect(drawn.path)) as source, closing(sqlite3.connect(path)) as copy:
        source.backup(copy)
    with closing(disarmed(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")
    return path


@pytest.fixture
def tampered(unguarded, tmp_path) -> Callable[..., Path]:
    path = tmp_path / "ledger.db"

    def made(tamper: Tamper, seed: int, *after: Callable[[sqlite3.Connection], None]) -> Path:
        shutil.copyfile(unguarded, path)
        chance = Random(f"{tamper.__name__} {seed}")
        with closing(disarmed(path)) as connection:
            before = content(connection)
            while content(connection) == before:  # two equal states may change places
                tamper(connection, chance)
            for one in after:
                one(connection)
        return path

    return made


def content(connection: sqlite3.Connection) -> list[object]:
    return [
        connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
        for table in ("stored_events", "event_log", "event_chain", "tree_head")
    ]


def content_of(path: Path) -> list[object]:
    with closing(sqlite3.connect(path)) as connection:
        return content(connection)


def verified(path: Path, *anchors: Anchor) -> Verification:
    with closing(connect(path)) as database:
        (found,) = verify(database, [Expected("", anchor) for anchor in anchors]).rows
        return found


# --- the matrix ----------------------------------------------------------------------------

SEEDS = range(6)


def test_an_untouched_ledger_is_never_accused(unguarded, anchors):
    for several in ([], anchors[-1:], anchors):
        found = verified(unguarded, *several)
        assert (found.intact, found.faults, found.anchor) == (True, [], str(anchors[-1]))


@pytest.mark.parametrize("tamper", [*OF_EVENTS, *BESIDE], ids=lambda one: one.__name__)
def test_what_is_changed_and_not_sealed_anew_is_found_without_an_anchor(tampered, tamper):
    for seed in SEEDS:
        assert not verified(tampered(tamper, seed)).intact, seed


@pytest.mark.parametrize("tamper", OF_EVENTS, ids=lambda one: one.__name__)
def test_what_is_changed_with_its_digests_is_found_by_the_chain(tampered, tamper):
    for seed in SEEDS:
        assert not verified(tampered(tamper, seed, redigest)).intact, seed


@pytest.mark.parametrize("tamper", OF_EVENTS, ids=lambda one: one.__name__)
def test_a_log_that_was_made_anew_as_a_whole_is_found_by_an_anchor(tampered, anchors, tamper):
    for seed in SEEDS:
        found = verified(tampered(tamper, seed, reseal), anchors[-1])
        if tamper.__name__ == "double":
            # What is added at the end, where no anchor is yet, is not sealed.
            assert (found.intact, found.unsealed) == (True, 1)
        else:
            assert not found.intact, seed


def test_without_an_anchor_a_log_that_was_made_anew_agrees_with_itself(tampered):
    """What the proof does not prove: the documentation says so."""
    assert verified(tampered(edit, 1, reseal)).intact


def test_a_flipped_bit_of_the_file_is_found_or_is_in_no_event(unguarded, anchors, tmp_path):
    whole, before = unguarded.read_bytes(), content_of(unguarded)
    path, chance, found = tmp_path / "ledger.db", Random(6), 0
    for _ in range(150):
        changed = bytearray(whole)
        changed[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        try:
            intact = verified(path, anchors[-1]).intact
        except (DatabaseUnusable, IntegrityFailure):
            intact = False
        found += not intact
        assert not intact or content_of(path) == before
    assert found > 10


# --- what it says --------------------------------------------------------------------------


@pytest.mark.parametrize("position", [1, 7, 12])
def test_the_first_changed_event_is_named_where_its_digest_survives(
    unguarded, tmp_path, position
):
    path = tmp_path / "ledger.db"
    shutil.copyfile(unguarded, path)
    with closing(disarmed(path)) as connection:
        _, stream, version, *_ = events(connection)[position - 1]
        connection.execute(
            "UPDATE stored_events SET state = replace(CAST(state AS TEXT), 'drawer', 'drawee')"
            " WHERE originator_id = ? AND originator_version = ?",
            (stream, version),
        )
        connection.execute("UPDATE stored_events SET state = CAST(state AS BLOB)")
    first = verified(path).faults[0]
    assert first.subject == f"position {position}"
    assert stream in first.text


def test_of_a_log_made_anew_the_last_anchor_that_holds_and_the_first_that_fails_are_told(
    unguarded, tmp_path, anchors
):
    path = tmp_path / "ledger.db"
    shutil.copyfile(unguarded, path)
    with closing(disarmed(path)) as connection:
        connection.execute(
            "UPDATE stored_events SET state = replace(state, '\"drawer\"', '\"eraser\"')"
            " WHERE (originator_id, originator_version) ="
            " (SELECT stream, version FROM event_log WHERE position = 8)"
        )
        connection.execute(
            "UPDATE stored_events SET state = CAST(state AS BLOB) WHERE typeof(state) = 'text'"
        )
        reseal(connection)
    assert verified(path).intact
    found = verified(path, anchors[14], anchors[4], anchors[9], anchors[5])
    assert [(one.anchor.partition(":")[0], one.status) for one in found.anchors] == [
        ("5", "holds"), ("6", "holds"), ("10", "fails"), ("15", "fails"),
    ]  # fmt: skip
    assert "events 7 to 10" in found.faults[0].text
    assert "the anchor at 6 holds" in found.faults[0].text


def test_an_anchor_of_a_customers_tree_holds_too(drawn):
    own = drawn.type("stmt", "sms-cd67890-1", "-O", "json").document["customer_checkpoint"]
    ran = drawn.type("audit", "verify", "--expect", f"cd67890-ovh={own}")
    assert ran.status == 0
    assert "of cd67890-ovh" in ran.out
    (row,) = drawn.rows("audit", "verify", "--expect", f"cd67890-ovh={own}")
    assert row["anchors"] == [
        {"anchor": own, "status": "holds", "customer": "cd67890-ovh", "recorded_at": None}
    ]


def test_an_anchor_of_one_tree_does_not_pass_for_one_of_another(drawn):
    own = drawn.type("stmt", "sms-cd67890-1", "-O", "json").document["customer_checkpoint"]
    for given in (own, f"ab12345-ovh={own}", f"zz-ovh={own}"):
        ran = drawn.type("audit", "verify", "--expect", given)
        assert ran.status == 4
    assert "events of zz-ovh, found 0" in ran.out
    assert "CUSTOMER=SIZE:ROOT" in drawn.type("audit", "verify", "--expect", own).out


def test_a_customer_put_before_the_only_one_is_found_by_an_anchor_of_the_ledger(tmp_path):
    """The events of the only customer were the ledger's: their tree still has that root."""
    cut = STORY.index("    customer cd67890-ovh")
    books = books_in(tmp_path).draw(STORY[:cut])
    anchor = books.type("bal", "-O", "json").document["checkpoint"]
    books.draw(STORY[cut:])
    with closing(disarmed(books.path)) as connection:
        found = events(connection)
        for position, *_ in found:
            connection.execute(
                f"UPDATE event_log SET position = {-position - 1} WHERE position = {position}"
            )
        order = sorted(found, key=lambda event: (event[5] == "ab12345-ovh", event[0]))
        for number, (position, *_) in enumerate(order, 1):
            connection.execute(
                f"UPDATE event_log SET position = {number} WHERE position = {-position - 1}"
            )
        reseal(connection)
    ran = books.type("audit", "verify", "--expect", anchor)
    assert ran.status == 4
    assert books.type("audit", "verify", "--expect", f"ab12345-ovh={anchor}").status == 0


def test_the_anchor_that_is_reached_is_printed_as_the_last_line(drawn, anchors):
    ran = drawn.type("audit", "verify", "--expect", str(anchors[9]))
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines()[-1] == str(anchors[-1])
    assert len(re.findall(r"[0-9]+:[0-9a-f]{64}", ran.out)) == 1
    unsealed = len(anchors) - 10
    assert f"not sealed yet by an anchor given here: {unsealed} events, from position 11" in (
        ran.out
    )


def test_without_an_anchor_it_says_what_it_cannot_tell(drawn):
    assert "no anchor was given" in drawn.type("audit", "verify").out


def test_scripts_get_the_anchors_and_the_faults(drawn, anchors):
    (row,) = drawn.rows("audit", "verify", "--expect", str(anchors[2]))
    assert row.pop("anchors") == [
        {
            "anchor": str(anchors[2]),
            "status": "holds",
            "customer": None,
            "recorded_at": "2026-11-02T08:00:03+00:00",
        }
    ]
    assert row == {
        "anchor": str(anchors[-1]),
        "events": len(anchors),
        "intact": True,
        "unsealed": len(anchors) - 3,
        "fault_count": 0,
        "faults": [],
    }


def test_an_anchor_of_another_ledger_does_not_hold(drawn, tmp_path):
    other = books_in(tmp_path).draw(STORY.replace("sms-ab12345-1", "sms-ab12345-9"))
    anchor = other.type("bal", "-O", "json").document["checkpoint"]
    ran = drawn.type("audit", "verify", "--expect", anchor)
    assert (ran.status, ran.err) == (4, "")
    assert "they agree with each other, but not with 1 anchor\n" in ran.out
    assert "or the anchor is of another ledger" in ran.out


def test_a_checkpoint_of_the_future_does_not_hold(drawn, anchors):
    ran = drawn.type("audit", "verify", "--expect", f"{len(anchors) + 1}:{'ab' * 32}")
    assert ran.status == 4
    assert f"expected at least {len(anchors) + 1} events, found {len(anchors)}" in ran.out
    assert "cut off" in ran.out


@pytest.mark.parametrize(
    "text", ["12", "12:abc", "x:" + "ab" * 32, "0:" + "ab" * 32, f"=1:{'ab' * 32}"]
)
def test_a_malformed_anchor_is_misuse(drawn, text):
    ran = drawn.type("audit", "verify", "--expect", text)
    assert (ran.status, ran.out) == (2, "")
    assert "expected" in ran.err


def test_an_empty_ledger_reaches_the_anchor_of_nothing(tmp_path):
    ran = books_in(tmp_path).type("audit", "verify")
    assert ran.status == 0
    assert ran.out.splitlines()[-1] == f"0:{root_of([]).hex()}"


def test_the_anchor_of_nothing_holds_for_every_ledger(drawn):
    ran = drawn.type("audit", "verify", "--expect", f"0:{root_of([]).hex()}")
    assert ran.status == 0


def test_many_faults_are_counted_and_the_first_are_listed(unguarded, tmp_path):
    path = tmp_path / "ledger.db"
    shutil.copyfile(unguarded, path)
    with closing(disarmed(path)) as connection:
        connection.execute("UPDATE event_log SET leaf = zeroblob(32), happened_at_us = 1")
    ran = Books(str(path)).type("audit", "verify")
    assert ran.status == 4
    assert len(ran.out.splitlines()) == 22
    assert "more\n" in ran.out
    assert "note: the triggers that refuse to edit stored_events and event_log" in ran.err


@pytest.mark.parametrize(
    "change",
    ["position = 'abc'", "recorded_at_us = 'abc'", "recorded_at_us = 9e99", "leaf = 5"],
)
def test_a_column_of_another_type_is_a_fault_not_a_failure(unguarded, tmp_path, change):
    path = tmp_path / "ledger.db"
    shutil.copyfile(unguarded, path)
    with closing(disarmed(path)) as connection:
        connection.execute(f"UPDATE event_log SET {change} WHERE position = 9")
    for words in (("audit", "verify"), ("check",)):
        ran = Books(str(path)).type(*words)
        assert ran.status == 4, ran


def test_of_an_anchor_above_an_unreadable_event_it_says_that_it_cannot_tell(
    unguarded, tmp_path, anchors
):
    path = tmp_path / "ledger.db"
    shutil.copyfile(unguarded, path)
    with closing(disarmed(path)) as connection:
        connection.execute("UPDATE stored_events SET topic = NULL WHERE rowid = 3")
    ran = Books(str(path)).type("audit", "verify", "--expect", str(anchors[-1]))
    assert ran.status == 4
    assert "cannot be told" in ran.out
    assert "or the anchor is" not in ran.out


def test_check_finds_broken_seals_too(unguarded, tmp_path):
    path = tmp_path / "ledger.db"
    shutil.copyfile(unguarded, path)
    with closing(disarmed(path)) as connection:
        connection.execute("UPDATE tree_head SET root = zeroblob(32) WHERE tree = ''")
    ran = Books(str(path)).type("check")
    assert ran.status == 4
    assert "tree of the ledger" in ran.out


# --- both databases ------------------------------------------------------------------------

DAMAGES = {
    "an event changed": "UPDATE stored_events SET state = :state WHERE originator_version = 3",
    "an event removed": "DELETE FROM stored_events WHERE originator_version = 4",
    "a digest changed": "UPDATE event_log SET leaf = :state WHERE position = 5",
    "a place changed": "UPDATE event_log SET position = 99 WHERE position = 5",
    "a topic changed": "UPDATE event_log SET topic = 'sms.other.1' WHERE position = 5",
    "an owner changed": "UPDATE event_log SET customer = 'zz-ovh' WHERE position = 5",
    "a time changed": "UPDATE event_log SET recorded_at_us = 5 WHERE position = 5",
    "the log cut off": "DELETE FROM event_log WHERE position > 6",
    "a link changed": "UPDATE event_chain SET digest = :state WHERE position = 5",
    "a head removed": "DELETE FROM tree_head WHERE tree = ''",
}


@pytest.fixture
def story(books) -> Iterator[Books]:
    return books.draw(STORY)


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found_on_both_databases(story, name):
    anchor = story.type("bal", "-O", "json").document["checkpoint"]
    assert story.type("audit", "verify", "--expect", anchor).status == 0
    sql = DAMAGES[name]
    damage(story.url, sql, **({"state": b"{}"} if ":state" in sql else {}))
    ran = story.type("audit", "verify", "--expect", anchor)
    assert (ran.status, ran.err) == (4, "")
