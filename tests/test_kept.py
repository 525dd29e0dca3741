"""A ledger of the first release, replayed: what was recorded then means the same for ever."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from books import Books

import migrations
from cli.session import open_database
from ledger.canonical import decode, encode, leaf
from ledger.credits import Credits
from ledger.database import Database, Row
from ledger.events import BY_TOPIC, LinesAttributed, PageRecorded
from ledger.movements import movements
from ledger.names import account_of
from ledger.pages import attributed, unpack
from ledger.totals import VIEWS, Recorded, write

DATA = Path(__file__).parent / "data"
KEPT = DATA / "first-release.db"


def opened(path: Path) -> Database:
    """Open a copy of the kept ledger, brought to this program's schema."""
    shutil.copyfile(KEPT, path)
    migrations.upgrade(path)
    return open_database(path)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Database]:
    with closing(opened(tmp_path / "kept.db")) as database:
        yield database


def log(database: Database) -> Iterator[tuple[str, int, str, bytes]]:
    for stream, version, topic, state in database.each(
        "SELECT originator_id, originator_version, s.topic, state FROM event_log"
        " JOIN stored_events s ON originator_id = stream AND originator_version = version"
        " ORDER BY position"
    ):
        yield stream, version, topic, bytes(state)


def rows_of(database: Database, view: str) -> list[Row]:
    return sorted(database.execute(f"SELECT * FROM {view}"), key=repr)


def test_it_is_the_file_that_was_kept() -> None:
    digest = hashlib.sha256(KEPT.read_bytes()).hexdigest()
    assert f"{digest}  {KEPT.name}" in (DATA / "SHA256SUMS").read_text().splitlines()


def test_every_event_is_read_and_encoded_to_the_same_bytes(kept: Database) -> None:
    read = 0
    for _, _, topic, state in log(kept):
        event = decode(topic, state)
        assert encode(event) == state
        match event:
            case PageRecorded():
                assert unpack(event)
            case LinesAttributed():
                assert attributed(event)
        read += 1
    ((stored,),) = kept.execute("SELECT COUNT(*) FROM stored_events")
    assert read == stored > 0


def test_every_digest_proves_its_event(kept: Database) -> None:
    digests = [
        bytes(row[0]) for row in kept.execute("SELECT leaf FROM event_log ORDER BY position")
    ]
    assert [leaf(*event) for event in log(kept)] == digests


def test_positions_have_no_holes(kept: Database) -> None:
    positions = [row[0] for row in kept.execute("SELECT position FROM event_log ORDER BY 1")]
    assert positions == list(range(1, len(positions) + 1))


def test_it_holds_events_of_most_topics(kept: Database) -> None:
    """A kept ledger that knew only a few kinds of facts would prove little."""
    topics = {topic for (topic,) in kept.execute("SELECT DISTINCT topic FROM event_log")}
    assert topics <= BY_TOPIC.keys()
    assert len(topics) >= 10


def test_its_views_come_out_of_its_events_again(kept: Database, books: Books) -> None:
    """Copied over to an empty ledger of either kind, event by event."""
    with closing(books.database()) as scratch:
        with scratch.transaction() as rows:
            for stream, version, topic, state in log(kept):
                rows.execute(
                    "INSERT INTO stored_events"
                    " (originator_id, originator_version, topic, state)"
                    " VALUES (:stream, :version, :topic, :state)",
                    stream=stream,
                    version=version,
                    topic=topic,
                    state=state,
                )
                write(rows, [Recorded(stream, version, topic, state, decode(topic, state))])
        assert list(log(scratch)) == list(log(kept))
        for view in VIEWS:
            assert rows_of(scratch, view) == rows_of(kept, view), view
    assert books.type("check", "--full").status == 0


def expected_balances() -> dict[str, str | None]:
    balances = json.loads((DATA / "first-release.json").read_text())
    return {one["account"]: one["balance"] for one in balances}


def test_its_balances_are_what_they_were(kept: Database) -> None:
    found = {
        account: None if milli is None else str(Credits(milli))
        for account, milli in kept.execute(
            "SELECT account, opening_milli + moved_milli FROM account"
        )
    }
    assert found == expected_balances()


def test_its_balances_are_the_sums_of_its_movements(kept: Database) -> None:
    """The same without the tables: the opening, and each movement from its instant on."""
    openings = {
        account: (milli, at_us)
        for account, milli, at_us in kept.execute(
            "SELECT account, opening_milli, opening_at_us FROM account"
        )
        if milli is not None
    }
    balances = {account: milli for account, (milli, _) in openings.items()}
    for stream, _, topic, state in log(kept):
        account = account_of(stream)
        if account in openings:
            for movement in movements(decode(topic, state)):
                if movement.at_us >= openings[account][1]:
                    balances[account] += movement.milli
    told = {account: str(Credits(milli)) for account, milli in balances.items()}
    assert told == {one: text for one, text in expected_balances().items() if text is not None}
