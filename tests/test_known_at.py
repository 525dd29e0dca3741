"""Two times: what happened until then, and what was known then. A report is printed again."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
from rigs import Ran, Rig, rig
from tampering import disarmed

import cli
from ledger.merkle import EMPTY_ROOT
from ledger.times import from_us, to_us

FIRST, SECOND = "sms-ab12345-1", "sms-ab12345-2"

# --- every report has both times -----------------------------------------------------------

NO_KNOWN_AT = {
    **dict.fromkeys(
        ("demo", "login", "whoami", "sync", "import", "purchase quote", "rates update",
         "sandbox serve", "sandbox do", "sandbox knobs", "sandbox scenarios",
         "sandbox actions"),
        "what it tells is OVH's, or a file's, not the ledger's",
    ),
    **dict.fromkeys(
        ("account close", "account opening", "account vat", "rates import", "recharge set",
         "recharge rules state", "transfer request", "transfer resolve", "recon accept",
         "recon adjust", "recon assign", "recon note", "close month", "close reopen"),
        "it records: that is done now",
    ),
    **dict.fromkeys(
        ("check", "rebuild", "dump", "load", "migrate status", "roles create", "roles show",
         "audit verify"),
        "it is about what the database holds, which a copy would say nothing of",
    ),
    "audit proof": "--from and --to name what it is of",
    "privacy list": "what can be erased is what is there now",
    "privacy erase": "it is done now",
}  # fmt: skip

NO_AS_OF = {
    "account entries": "each setting is shown with its date",
    "account show": "breaks and settings are shown as they stand: --known-at tells of then",
    "audit show": "an event is what it is",
    "audit export": "every event is in it",
    "rates diff": "it takes two dates",
    "recharge rules show": "every version is shown, with its date",
    "recon breaks": "a break's life is one of decisions: --known-at tells of then",
    "close status": "each close has its date",
    "export hledger": "each transaction has its date",
    "export beancount": "each transaction has its date",
}


def leaves(group: dict[str, click.Command], name: str = "") -> Iterator[tuple[str, Any]]:
    """Give every command that is no group, with its full name."""
    for sub, command in group.items():
        if isinstance(command, click.Group):
            yield from leaves(command.commands, f"{name}{sub} ")
        else:
            yield f"{name}{sub}", command


def command_of(place: str) -> click.Command:
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)


LEAVES = dict(leaves({name: command_of(place) for name, (place, _) in cli.COMMANDS.items()}))


def has(command: click.Command, *options: str) -> bool:
    return any(set(options) & set(param.opts) for param in command.params)


REPORTS = {name: one for name, one in LEAVES.items() if name not in NO_KNOWN_AT}


def test_every_report_tells_what_was_known_then():
    assert [name for name, one in REPORTS.items() if not has(one, "--known-at")] == []


def test_what_has_no_known_at_is_there_and_has_a_reason():
    assert [name for name in NO_KNOWN_AT if has(LEAVES[name], "--known-at")] == []


def test_every_report_of_a_time_tells_what_had_happened_then():
    assert [
        name
        for name, one in REPORTS.items()
        if not has(one, "--as-of", "--period") and name not in NO_AS_OF
    ] == []
    assert not [name for name in NO_AS_OF if has(REPORTS[name], "--as-of")]


# --- printed again -------------------------------------------------------------------------

PRINTED = [
    "bal", f"bal {SECOND} --as-of 2026-10-30", "reg", "reg --lots", f"stmt {FIRST}",
    f"stmt {FIRST} --lots --lines", "cost", "cost --by tag", "lots", "lots --draws", "value",
    "recon run", "recon show", f"recon explain {FIRST}", "recon breaks --all", "account list",
    f"account show {FIRST}", "transfer list", "forecast", "recharge show",
    f"recharge whatif {FIRST} --threshold 50 --amount 100", "recharge rules show", "rates show",
    "rates packs", "rates diff", "quote --to IT --billing-country IT", "export hledger",
    "export beancount", "export entries", "account entries", "sheet -p 2026-10", "audit log",
    "audit show 3", "close status --all",
]  # fmt: skip
FORMATS = ("table", "json", "csv")


def test_what_is_printed_in_the_story_are_all_the_reports():
    told = {name for line in PRINTED for name in REPORTS if f"{line} ".startswith(f"{name} ")}
    assert told == REPORTS.keys() - {"audit export"}


class Story:
    """A ledger that grows, and what every report said of it on the way."""

    def __init__(self, made: Rig, *, every: int = 1) -> None:
        """Print all reports each time, or only every second one: the others the next time."""
        self.made = made
        self.every = every
        self.turn = 0
        self.prints: list[tuple[int, list[str], Ran]] = []

    @property
    def position(self) -> int:
        return int(self.made.table("SELECT MAX(position) FROM event_log")[0][0])

    def do(self, action: str, **what: Any) -> None:
        self.made.ovh.do(action, **what)

    def type(self, *words: str) -> Ran:
        ran = self.made.sl(*words)
        assert ran.status == 0, ran
        return ran

    def print(self) -> None:
        """Print the reports, each time in another format."""
        position = self.position
        for place, line in enumerate(PRINTED):
            if (place + self.turn) % self.every:
                continue
            words = line.split()
            if words[0] != "export":
                words += ["-O", FORMATS[(place + self.turn) % len(FORMATS)]]
            self.prints.append((position, words, self.made.sl(*words)))
        self.turn += 1

    def print_again(self) -> None:
        for position, words, before in self.prints:
            again = self.made.sl(*words, "--known-at", str(position))
            assert (again.out, again.status) == (before.out, before.status), (position, words)
            assert again.err == before.err


def grow(story: Story, tmp_path: Path) -> None:
    """Let all happen that a ledger can tell of, and print on the way."""
    made = story.made
    made.sync()
    story.do("send", account=FIRST, count=3)
    story.do("advance", by="1h")
    made.sync()  # the second account shows nothing new
    story.print()
    story.type("transfer", "request", FIRST, SECOND, "4", "--yes")
    story.do("gift", account=SECOND, credits=40)
    story.do("advance", by="1d")
    made.sync()
    story.type("rates", "update", "--to", "IT", "--to", "FR")
    story.print()
    story.do("advance", by="10m")
    made.sync()  # nothing new at all
    story.print()
    (gift,) = made.sl("recon", "breaks", "-O", "json").rows
    story.do("panel-purchase", account=FIRST, credits=250)
    story.do("advance", by="2d")
    made.sync()
    named = f"{SECOND}/{gift['break_id']}"
    story.type("recon", "note", named, "asked OVH")
    story.type("recon", "adjust", named, "--as", "gift", "--reason", "a gift of OVH")
    story.type("import", str(older_messages(tmp_path)))
    story.type("account", "vat", "ab12345-ovh", "--recoverable", "0", "--from", "2026-01-01")
    story.print()


def older_messages(folder: Path) -> Path:
    """Write a file of messages that OVH no longer has."""
    path = folder / "older.csv"
    path.write_text(
        "customer,account,kind,id,happened_at,credits,country,parts,tag\n"
        f"ab12345-ovh,{FIRST},consumption,1,2025-01-07T09:00:00+01:00,1,IT,1,otp\n"
        f"ab12345-ovh,{FIRST},consumption,2,2025-01-08T09:00:00+01:00,2,FR,2,promo\n"
    )
    return path


def test_every_report_is_printed_again_to_the_byte_whatever_was_recorded_since(store, tmp_path):
    with rig(tmp_path, store=store) as made:
        story = Story(made, every=1 if store.name == "sqlite" else 2)
        grow(story, tmp_path)
        before = made.table("SELECT position, leaf FROM event_log ORDER BY position")
        story.print_again()
        assert made.table("SELECT position, leaf FROM event_log ORDER BY position") == before


def test_a_position_is_named_by_its_number_its_checkpoint_or_a_time(store, tmp_path):
    with rig(tmp_path, store=store) as made:
        made.sync()
        first = made.sl("bal", "-O", "json")
        document = json.loads(first.out)
        recorded_at = document["checkpoint_at"]
        time.sleep(0.01)
        made.ovh.do("send", account=FIRST, count=1)
        made.ovh.do("advance", by="1h")
        made.sync()
        assert made.sl("bal", "-O", "json").out != first.out
        for name in (str(document["position"]), document["checkpoint"], recorded_at):
            assert made.sl("bal", "-O", "json", "--known-at", name).out == first.out, name


# An opening that is restated, late rows, a correction: what was told of the past changes.
CHANGING = """
    2026-10-01 09:00 opening 100
    2026-10-02 10:00 sms 1.4 tag=otp
    2026-10-03 10:00 sms 2 tag=promo
    2026-10-04 08:00 purchase 250 b-1 net=10.00 vat=2.20
    2026-10-02 12:00 sms 3
    2026-09-30 09:00 opening 120
    2026-10-05 09:00 correct 1 0.7
    2026-10-03 08:00 purchase 50 b-2 net=5.00
    2026-10-05 18:00 saw 300
    2026-10-06 09:00 adjustment -5 a-1
"""
ASKED = ("bal", "reg", "lots", "cost --by tag", "value", "recon run", "bal --as-of 2026-10-03")


def test_every_position_of_a_ledger_whose_past_changes_is_known_again(books):
    books.draw("customer ab12345-ovh\naccount sms-ab12345-1")
    printed = {}
    for line in CHANGING.strip().splitlines():
        books.draw(line)
        position = books.type("bal", "-O", "json").document["position"]
        printed[position] = [books.type(*asked.split()) for asked in ASKED]
    assert len(printed) == 10
    every = 1 if books.store.name == "sqlite" else 2  # on a server, half of them at each
    for turn, (position, before) in enumerate(printed.items()):
        known = "--known-at", str(position)
        for asked, told in list(zip(ASKED, before, strict=True))[turn % every :: every]:
            assert books.type(*asked.split(), *known) == told


def test_an_export_for_an_auditor_is_written_again_to_the_byte(books, tmp_path):
    books.draw(DRAWING)
    first, again = tmp_path / "first", tmp_path / "again"
    assert books.type("audit", "export", "-o", str(first)).status == 0
    books.draw("2026-10-03 08:00 sms 1")
    assert books.type("audit", "export", "-o", str(again), "--known-at", "5").status == 0
    assert files(first) == files(again)


# --- which beginning of the log ------------------------------------------------------------

DRAWING = """
    customer ab12345-ovh
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-01 10:00 sms 1.4
    2026-10-02 08:00 purchase 250 bill-1
"""


def test_a_time_names_the_longest_beginning_with_nothing_recorded_later(books):
    books.draw(DRAWING)
    for position, at_us in books.table("SELECT position, recorded_at_us FROM event_log"):
        then = from_us(at_us).isoformat()
        ran = books.type("bal", "-O", "json", "--known-at", then)
        assert ran.document["position"] == position
    assert books.type("bal", "--known-at", "2026-11-02").out == books.type("bal").out


def test_what_was_recorded_by_a_clock_that_went_back_is_known_no_sooner(sqlite_books):
    sqlite_books.draw(DRAWING)
    connection = disarmed(sqlite_books.path)
    at_us = to_us(datetime(2026, 11, 10, tzinfo=UTC))
    connection.execute(f"UPDATE event_log SET recorded_at_us = {at_us} WHERE position = 3")
    connection.close()
    ran = sqlite_books.type("bal", "-O", "json", "--known-at", "2026-11-05")
    assert ran.document["position"] == 2


def test_a_day_ends_when_it_ends_for_every_customer(sqlite_books):
    from projections.knowledge import _instant
    from projections.moments import Moment

    sqlite_books.draw(f"{DRAWING}customer cd67890-ovh Europe/London\n")
    database = sqlite_books.database()
    last = datetime(2026, 11, 2, 23, 59, 59, 999999, UTC)  # London's; in Rome it is the third
    assert _instant(database, Moment.parse("2026-11-02")) == int(last.timestamp() * 10**6)
    database.close()


def test_before_the_first_event_the_ledger_was_empty(books):
    books.draw(DRAWING)
    for then in ("0", f"0:{EMPTY_ROOT.hex()}", "2020-01-01"):
        ran = books.type("bal", "--known-at", then)
        assert (ran.status, ran.out) == (0, "nothing to show\nlog position 0\n"), then
        assert books.rows("reg", "--known-at", then) == []


def test_a_ledger_that_is_not_there_was_empty_and_is_not_made(sqlite, tmp_path):
    with sqlite.bare() as url:
        ran = run("--database", url, "bal", "--known-at", "0")
        assert (ran.returncode, ran.stdout) == (0, "nothing to show\nlog position 0\n")
        ran = run("--database", url, "bal", "--known-at", "1")
        assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
        assert not Path(url).exists()


ROOT_OF_NOTHING_HERE = "ab" * 32

CUT_OFF = "expected at least 6 events, found 5: the log was cut off"
REFUSED = [
    ("6", 2, "expected a position of the log, 0 to 5, found 6"),
    (f"6:{ROOT_OF_NOTHING_HERE}", 4, CUT_OFF),
    (f"5:{ROOT_OF_NOTHING_HERE}", 4, f"the root {ROOT_OF_NOTHING_HERE} of the first 5 events"),
    (f"0:{ROOT_OF_NOTHING_HERE}", 2, f"expected the root {EMPTY_ROOT.hex()} of 0 events"),
    (f"ab12345-ovh=4:{ROOT_OF_NOTHING_HERE}", 2, "expected a checkpoint of the ledger, found"),
    ("5:abc", 2, "expected an anchor SIZE:ROOT"),
    ("yesterday", 2, "expected a log position, an anchor SIZE:ROOT, a date like 2026-10-31"),
    ("18:00", 2, "expected a log position, an anchor SIZE:ROOT, a date like 2026-10-31"),
    ("2026-11-02T09:00", 2, "expected a log position, an anchor SIZE:ROOT, a date like"),
    ("2999-01-01", 2, "expected a time that is past, found 2999-01-01"),
]  # fmt: skip


@pytest.mark.parametrize(("then", "status", "said"), REFUSED)
def test_what_names_no_beginning_of_the_log_is_refused_in_words(
    sqlite_books, then, status, said
):
    sqlite_books.draw(DRAWING)
    ran = sqlite_books.type("bal", "--known-at", then)
    assert (ran.status, ran.out, ran.err.count("\n")) == (status, "", 1), ran
    assert said in ran.err


def test_today_is_not_over(sqlite_books):
    sqlite_books.draw(DRAWING)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert "a day must be over" in sqlite_books.type("bal", "--known-at", tomorrow).err


def test_the_checkpoint_of_a_statements_customer_names_the_ledgers(sqlite_books):
    sqlite_books.draw(DRAWING)
    document = sqlite_books.type("stmt", FIRST, "-O", "json").document
    customers = f"ab12345-ovh={document['customer_checkpoint']}"
    ran = sqlite_books.type("stmt", FIRST, "--known-at", customers)
    assert ran.status == 2
    assert "type the SIZE:ROOT of the line `checkpoint` above it" in ran.err


def test_what_looks_at_ovh_now_is_not_of_then(sqlite_books):
    sqlite_books.draw(DRAWING)
    live = sqlite_books.type("recharge", "show", "--live", "--known-at", "5")
    assert (live.status, live.err.count("OVH tells of now alone")) == (2, 1)
    aged = sqlite_books.type("recon", "run", "--max-age", "1h", "--known-at", "5")
    assert (aged.status, aged.err.count("expected --max-age or --known-at, found both")) == (
        2,
        1,
    )


# --- the clock of then ---------------------------------------------------------------------


def test_breaks_are_as_old_as_they_were_then(books):
    books.draw(f"{DRAWING}    2026-10-03 08:00 saw 300")
    age = books.rows("recon", "breaks", "--known-at", "6")[0]["age_days"]
    assert age == 30  # from 3 October to 2 November, when event 6 was recorded
    age = books.rows("recon", "breaks", "--known-at", "2026-11-03T09:00:00+01:00")[0]
    assert age["age_days"] == 31


# --- the ledger is only read ---------------------------------------------------------------


def test_the_file_of_the_ledger_stays_as_it_is(sqlite_books):
    sqlite_books.draw(DRAWING)
    before = files(sqlite_books.path.parent)
    assert sqlite_books.type("lots", "--known-at", "4").status == 0
    assert files(sqlite_books.path.parent) == before


def files(folder: Path) -> dict[str, str]:
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in folder.iterdir()}


def test_a_label_that_was_erased_is_not_printed_again(books):
    books.draw(DRAWING)
    database = books.database()
    database.execute("INSERT INTO label VALUES ('sms-ab12345-1', 'Newsletter')")
    assert books.rows("account", "list", "--known-at", "5")[0]["description"] == "Newsletter"
    database.execute("DELETE FROM label")
    database.close()
    assert books.rows("account", "list", "--known-at", "5")[0]["description"] == ""


@pytest.mark.parametrize(
    "changed",
    ["CAST(replace(state, '250', '950') AS BLOB)",
     "CASE topic WHEN 'sms.credits-purchased.1' THEN CAST(state AS TEXT) ELSE state END"],
)  # fmt: skip
def test_a_damaged_ledger_is_not_printed_again(sqlite_books, changed):
    sqlite_books.draw(DRAWING)
    connection = disarmed(sqlite_books.path)
    connection.execute(f"UPDATE stored_events SET state = {changed}")
    connection.close()
    ran = sqlite_books.type("bal", "--known-at", "5")
    assert (ran.status, ran.out, ran.err.count("\n")) == (4, "", 1), ran
    assert "at position 5" in ran.err
    assert sqlite_books.type("bal", "--known-at", "4").status == 0


# --- the file of then ----------------------------------------------------------------------

# Says where the ledger of then lies, with its rights, and waits there.
WAITS = """
import pathlib, sys, time
from cli import main, past_ledger
copy = past_ledger.copy_beginning
def waits(source, past, position, *, advance):
    path = pathlib.Path(past.address)
    print(path, oct(path.stat().st_mode & 0o777), oct(path.parent.stat().st_mode & 0o777))
    sys.stdout.flush()
    time.sleep(60)
past_ledger.copy_beginning = waits
main()
"""


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from cli import main; main()", *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("told", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_the_file_of_then_is_private_lies_in_tmpdir_and_is_gone_when_a_command_is_ended(
    sqlite_books, tmp_path, told, status
):
    sqlite_books.draw(DRAWING)
    words = ["--database", str(sqlite_books.path), "bal", "--known-at", "5"]
    with subprocess.Popen(
        [sys.executable, "-c", WAITS, *words],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        path, file_mode, folder_mode = process.stdout.readline().split()
        assert Path(path).is_relative_to(tmp_path)
        assert (file_mode, folder_mode) == ("0o600", "0o700")
        process.send_signal(told)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err.count("Traceback")) == (status, 0), err
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_then_is_gone_when_a_command_ended_or_failed(
    sqlite_books, tmp_path, monkeypatch
):
    sqlite_books.draw(DRAWING)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert sqlite_books.type("bal", "--known-at", "5").status == 0
    assert sqlite_books.type("bal", "sms-nobody-1", "--known-at", "5").status == 2
    assert sqlite_books.type("bal", "--known-at", "6").status == 2
    assert list(tmp_path.iterdir()) == []


def test_without_room_for_files_it_says_what_to_set(sqlite_books, tmp_path, monkeypatch):
    sqlite_books.draw(DRAWING)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    ran = sqlite_books.type("bal", "--known-at", "5")
    assert (ran.status, ran.err.count("\n")) == (6, 1)
    assert "name one with TMPDIR" in ran.err


# --- what had happened then ----------------------------------------------------------------


def test_accounts_are_listed_as_they_stood_then(books):
    books.draw("""
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-01 09:00 opening 100
        2026-10-02 10:00 sms 1.4
        2026-10-05 09:00 close 98.6
        account sms-ab12345-2
        2026-10-04 09:00 opening 50
    """)

    def listed(*words: str) -> list[tuple[str, str, str | None]]:
        rows = books.rows("account", "list", *words)
        return [(row["account"], row["status"], row["credits"]) for row in rows]

    assert listed("--as-of", "1999-12-31") == []
    assert listed("--as-of", "2026-10-01") == [(FIRST, "open", "100"), (SECOND, "open", None)]
    assert listed("--as-of", "2026-10-04") == [(FIRST, "open", "98.6"), (SECOND, "open", "50")]
    assert listed("--as-of", "2026-10-05")[0][1] == listed()[0][1] == "closed"
    assert listed("--as-of", "2026-10-04T08:59:59+02:00") == [
        (FIRST, "open", "98.6"),
        (SECOND, "open", None),
    ]


def test_transfers_and_recharge_are_shown_as_they_stood_then(sqlite, tmp_path):
    with rig(tmp_path, store=sqlite) as made:
        made.sync()
        made.ovh.do("set-recharge", account=FIRST, threshold=Decimal(30), amount=200)
        made.ovh.do("advance", by="1d")
        made.sync()
        assert made.sl("transfer", "request", FIRST, SECOND, "4", "--yes").status == 0

        def transfers(*words: str) -> list[str]:
            ran = made.sl("transfer", "list", *words)
            assert ran.status == 0, ran
            return [row["status"] for row in ran.rows]

        (now,) = made.sl("transfer", "list", "-O", "json").rows
        last = max(now["requested_at"], now["resolved_at"])  # by OVH's clock, and by ours
        assert transfers("-O", "json", "--as-of", "2026-10-31") == []
        assert transfers("-O", "json", "--as-of", last) == ["sent"]

        def recharge(*words: str) -> tuple[Any, ...]:
            row = made.sl("recharge", "show", FIRST, "-O", "json", *words).rows[0]
            return row["threshold"], row["amount"], row["status"], row["credits"]

        assert recharge()[:2] == ("30", 200)
        before, later = recharge("--as-of", "2026-10-31"), recharge("--as-of", "2026-11-01")
        assert before[:2] != later[:2]
        assert before[3] != recharge()[3]  # before the transfer
        assert later[:2] == ("30", 200)
        assert recharge("--as-of", "2020-01-01")[:3] == (None, None, "not read")
        asked = made.sl("recharge", "show", "--live", "--as-of", "2026-10-31")
        assert (asked.status, asked.err.count("OVH tells of now alone")) == (2, 1)
