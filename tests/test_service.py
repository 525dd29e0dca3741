"""The service: load, decide, record; again when another program was first."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest

from ledger import account as accounts
from ledger import consumption, customer, service
from ledger.credits import Credits
from ledger.errors import DatabaseBusy, IntegrityFailure, Refused
from ledger.events import CreditsAdjusted, FromOperator, Stamp
from ledger.pages import Line
from ledger.service import Ledger
from ledger.times import to_us

AT = datetime(2026, 10, 2, 9, tzinfo=UTC)
STAMP = Stamp(recorded_at=AT, actor="tester", command_id="c-1", source=FromOperator())


@pytest.fixture
def address(books):
    return books.draw("""
        customer one
        account sms-one-1
        2026-10-01 09:00 opening 100
    """).address


def gift(name, milli=1_000):
    return CreditsAdjusted(
        **STAMP.at(AT), adjustment_id=name, kind="gift", credits=Credits(milli)
    )


def give(name):
    def decide(work):
        account = work.account("sms-one-1")
        work.record(account, accounts.record_once(account, gift(name)))
        return account.version

    return decide


def send(first, count):
    def decide(work):
        state = work.consumption("sms-one-1")
        lines = [
            Line(id=n, at_us=to_us(AT) + n, milli=700, parts=1)
            for n in range(first, first + count)
        ]
        known = work.known_lines("sms-one-1", "consumption", [line.id for line in lines])
        recording = consumption.record_lines(
            state, "consumption", lines, known, numbers="none", stamp=STAMP
        )
        work.record(state, recording.pages)
        return len(recording.pages)

    return decide


def count(books, table="event_log"):
    database = books.database()
    ((found,),) = database.execute(f"SELECT COUNT(*) FROM {table}")
    database.close()
    return found


def test_a_decision_is_recorded_and_gives_its_result(address, books):
    with Ledger(address) as ledger:
        assert ledger.work(give("g-1")) == 3
    assert count(books) == 4


def test_the_same_command_again_records_nothing(address, books):
    with Ledger(address) as ledger:
        ledger.work(give("g-1"))
        ledger.work(give("g-1"))
    assert count(books) == 4


def test_a_refused_decision_records_nothing_of_it(address, books):
    def decide(work):
        account = work.account("sms-one-1")
        work.record(account, accounts.record_once(account, gift("g-1")))
        accounts.record_once(account, gift("g-1", milli=2_000))

    with Ledger(address) as ledger:
        with pytest.raises(Refused):
            ledger.work(decide)
        assert ledger.work(give("g-1")) == 3
    assert count(books) == 4


def test_a_later_decision_of_the_same_work_sees_the_earlier_one(address):
    def decide(work):
        account = work.account("sms-one-1")
        work.record(account, accounts.record_once(account, gift("g-1")))
        return accounts.record_once(work.account("sms-one-1"), gift("g-1"))

    with Ledger(address) as ledger:
        assert ledger.work(decide) == ()


def test_a_decision_that_was_overtaken_is_made_again_on_the_new_state(address, books):
    tries = []
    with Ledger(address) as ledger, Ledger(address) as other:

        def decide(work):
            account = work.account("sms-one-1")
            if not tries:
                other.work(give("g-1"))
            tries.append(account.version)
            work.record(account, accounts.record_once(account, gift("g-1")))

        ledger.work(decide)
    assert tries == [2, 3]
    assert count(books) == 4


def test_who_is_overtaken_again_and_again_is_let_through_while_others_wait(address, books):
    tries, late = [], threading.Thread(target=in_another_program, args=(address, "late"))
    with Ledger(address) as ledger:

        def decide(work):
            account = work.account("sms-one-1")
            tries.append(account.version)
            if len(tries) <= service._ATTEMPTS:
                in_another_program(address, f"other-{len(tries)}")
            else:
                late.start()
                late.join(0.3)
                assert late.is_alive(), "others were not kept out"
            work.record(account, accounts.record_once(account, gift("mine")))

        ledger.work(decide)
        late.join()
        assert ledger.work(lambda work: work.account("sms-one-1").version) == tries[-1] + 2
    assert tries == list(range(2, 3 + service._ATTEMPTS))
    assert books.type("check").status == 0


def test_a_decision_is_made_again_where_a_stream_moved_that_it_only_read(address, books):
    tries = []
    with Ledger(address) as ledger, Ledger(address) as other:

        def decide(work):
            work.hold(work.consumption("sms-one-1"), work.account("sms-one-1"))
            if not tries:
                other.work(send(1, 10))
            tries.append(work.consumption("sms-one-1").version)
            account = work.account("sms-one-1")
            work.record(account, accounts.record_once(account, gift("g-1")))

        ledger.work(decide)
    assert tries == [0, 1]
    assert books.type("check").status == 0


def test_a_stream_that_never_stands_still_is_not_decided_upon(address, books):
    tries = []
    with Ledger(address) as ledger, Ledger(address) as other:

        def decide(work):
            work.hold(work.consumption("sms-one-1"))
            tries.append(1)
            other.work(send(10 * len(tries), 10))
            account = work.account("sms-one-1")
            work.record(account, accounts.record_once(account, gift("g-1")))

        with pytest.raises(DatabaseBusy, match="expected that sms-one-1/consumption stand"):
            ledger.work(decide)
    assert len(tries) == service._ATTEMPTS
    assert "g-1" not in books.type("reg").out
    assert books.type("check").status == 0


def in_another_program(address, name):
    with Ledger(address) as ledger:
        ledger.work(give(name))


def test_an_event_of_another_stream_is_a_fault_of_ours(address):
    def decide(work):
        work.record(work.customer("one"), [gift("g-1")])

    with Ledger(address) as ledger, pytest.raises(IntegrityFailure, match="customer/one"):
        ledger.work(decide)


def test_known_lines_are_found_in_their_pages(address):
    with Ledger(address) as ledger:
        assert ledger.work(send(1, 2_500)) == 3
        found = ledger.work(
            lambda work: work.known_lines("sms-one-1", "consumption", [1, 1_001, 2_500, 9_999])
        )
    assert {line: version for line, (version, _) in found.items()} == {1: 1, 1_001: 2, 2_500: 3}


def test_lines_are_recorded_once_whatever_part_of_them_comes_again(address, books):
    with Ledger(address) as ledger:
        ledger.work(send(1, 100))
        ledger.work(send(51, 100))
        assert ledger.work(send(1, 150)) == 0
    assert books.rows("bal")[0]["credits"] == "-5"


def test_snapshots_change_what_loading_costs_never_what_it_gives(address, books, monkeypatch):
    monkeypatch.setattr(service, "SNAPSHOT_EVERY", 2)
    with Ledger(address) as ledger:
        for first in range(1, 70, 10):
            ledger.work(send(first, 10))
        state = ledger.work(lambda work: work.consumption("sms-one-1"))
    assert count(books, "stored_snapshots") == 1
    with Ledger(address) as fresh:
        assert fresh.work(lambda work: work.consumption("sms-one-1")) == state
        assert fresh.work(send(1, 70)) == 0


def test_two_processes_that_record_the_same_lines_count_them_once(address, books):
    program = (
        "import sys; sys.path[:0] = sys.argv[1:3]\n"
        "from ledger.database import parse_address\n"
        "from test_service import send\n"
        "from ledger.service import Ledger\n"
        "with Ledger(parse_address(sys.argv[3])) as ledger:\n"
        "    for first in range(1, 400, 20):\n"
        "        ledger.work(send(first, 40))\n"
    )
    here = str(__file__).rpartition("/")[0]
    command = [sys.executable, "-c", program, here, f"{here}/support", books.url]
    running = [subprocess.Popen(command) for _ in range(2)]
    assert [one.wait(timeout=60) for one in running] == [0, 0]
    assert books.rows("bal")[0]["credits"] == "-194"
    assert books.type("check").status == 0


def test_customers_are_registered_once(address):
    def decide(work):
        state = work.customer("one")
        new = customer.register(
            state, subsidiary="FR", time_zone="Europe/Paris", stamp=STAMP, at=AT
        )
        work.record(state, new)
        return state.time_zone

    with Ledger(address) as ledger:
        assert ledger.work(decide) == "Europe/Rome"
