"""An operator works on the account that an import fills: neither gets in the other's way."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from books import Books
from kills import Importer, story
from stores import Store

from ledger import account as accounts
from ledger.credits import Credits
from ledger.events import CreditsAdjusted, FromOperator, Stamp
from ledger.service import Ledger, Work

ACCOUNT = "sms-ab12345-1"
START = datetime(2026, 1, 1, tzinfo=UTC)
# Several transactions each: 20,000 messages, or 500 other movements, are recorded at once.
LOADS = {"consumption": 240_000, "gift": 30_000}


def write(path: Path, kind: str) -> None:
    with path.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(("customer", "account", "kind", "id", "happened_at", "credits"))
        rows.writerow(("ab12345-ovh", ACCOUNT, "opening", "", START.isoformat(), "0"))
        for n in range(LOADS[kind]):
            at = (START + timedelta(minutes=n)).isoformat()
            rows.writerow(("ab12345-ovh", ACCOUNT, kind, n + 1, at, "1.5"))


def adjust(ledger: Ledger, number: int) -> None:
    now = datetime.now(UTC)
    stamp = Stamp(recorded_at=now, actor="o", command_id=f"o-{number}", source=FromOperator())
    event = CreditsAdjusted(
        **stamp.at(now),
        adjustment_id=f"o-{number}",
        kind="adjustment",
        credits=Credits(number),
    )

    def decide(work: Work) -> None:
        state = work.account(ACCOUNT)
        work.record(state, accounts.record_once(state, event))

    ledger.work(decide)


@pytest.mark.parametrize("kind", LOADS)
def test_an_operator_adjusts_an_account_while_it_is_imported_and_nobody_is_turned_away(
    store: Store, books: Books, kind: str, tmp_path: Path
) -> None:
    file = tmp_path / "history.csv"
    write(file, kind)
    importer = Importer(books.url, file, tmp_path)
    importer.wait_for(2)  # the account is open
    with Ledger(books.address) as ledger:
        for number in count(1):
            adjust(ledger, number)
            if importer.process.poll() is not None:
                break
    assert importer.end() == 0, importer.said

    begin, end = importer.notes[0].first, importer.notes[-1].last
    made = {
        words["adjustment_id"]: position
        for position, (_, words, _) in enumerate(story(books.url), 1)
        if words.get("kind") == "adjustment"
    }
    assert list(made) == [f"o-{n}" for n in range(1, number + 1)]
    assert sum(begin < at < end for at in made.values()) > 5, "they hardly met"
    sums = dict(books.table("SELECT kind, SUM(milli) FROM daily_total GROUP BY kind"))
    sign = -1 if kind == "consumption" else 1
    assert sums == {kind: sign * 1500 * LOADS[kind], "adjustment": number * (number + 1) // 2}
    assert books.type("check").status == 0
