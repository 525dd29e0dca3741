"""Importing history: what a file comes to in the ledger, first time and every time after."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from stores import Store

import cli
from cli.percent import Percent
from ledger import account as accounts
from ledger import consumption as consumptions
from ledger import customer as customers
from ledger.canonical import decode
from ledger.credits import Credits
from ledger.database import Address, Database, connect, parse_address
from ledger.events import (
    AccountOpened,
    BalanceOpened,
    BreakOpened,
    CreditsAdjusted,
    CreditsPurchased,
    CreditsRefunded,
    CustomerRegistered,
    FromFile,
    FromOperator,
    ImportCompleted,
    ImportStarted,
    LedgerEvent,
    LinesAttributed,
    OpeningRestated,
    PageRecorded,
    PurchaseAttributed,
    Stamp,
    TransferReceived,
    TransferSent,
)
from ledger.files import line_spool, record, spool
from ledger.files import lines as line_module
from ledger.money import Money
from ledger.pages import Line, attributed, unpack
from ledger.service import Ledger, Work
from ledger.times import from_us, parse_instant, to_us

COLUMNS = (
    "customer,account,kind,id,happened_at,credits,country,parts,tag,user,batch,"
    "counter_account,net,vat,currency,bill"
)
CUSTOMER = "ab1-ovh"
MINUTE_US = 60_000_000


def at(minute: int) -> str:
    """Give a time by its minute in the story, in Rome."""
    return datetime(2026, 3, 1, 10 + minute // 60, minute % 60).isoformat() + "+01:00"  # noqa: DTZ001


def row(kind: str, id: str, minute: int, credits: str, **more: str) -> str:
    cells = dict.fromkeys(COLUMNS.split(","), "")
    cells |= {"customer": CUSTOMER, "account": "sms-1", "kind": kind, "id": id}
    cells |= {"happened_at": at(minute), "credits": credits, **more}
    return ",".join(cells.values())


@dataclass
class Book:
    """A ledger, with the command line before it and the files beside it."""

    folder: Path
    url: str
    capsys: pytest.CaptureFixture[str]

    @property
    def address(self) -> Address:
        return parse_address(self.url)

    @property
    def path(self) -> Path:
        """The file, where the ledger lies in one."""
        assert isinstance(self.address, Path)
        return self.address

    def run(self, *args: str) -> tuple[int, str, str]:
        status = cli.run(["--database", self.url, "--actor", "anna", *args])
        said = self.capsys.readouterr()
        return status, said.out, said.err

    def file(self, *rows: str, name: str = "history.csv") -> Path:
        path = self.folder / name
        path.write_text("\n".join([COLUMNS, *rows, ""]))
        return path

    def takes(self, *rows: str, options: tuple[str, ...] = ()) -> str:
        """Import rows that are good; give what is said."""
        status, out, err = self.run("import", str(self.file(*rows)), *options)
        assert (status, err) == (0, "")
        return out

    def refuses(self, *rows: str) -> str:
        status, out, err = self.run("import", str(self.file(*rows)))
        assert (status, out) == (5, "")
        return err.partition("history.csv: ")[2].partition("; nothing was recorded")[0]

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        database = connect(self.address)
        rows = list(database.execute(sql))
        database.close()
        return rows

    def balance(self, account: str = "sms-1") -> str:
        ((milli,),) = self.ask(
            f"SELECT opening_milli + moved_milli FROM account WHERE account = '{account}'"
        )
        return str(Credits(milli))

    def events(self, stream: str = "%") -> list[LedgerEvent]:
        return [
            decode(topic, state)
            for topic, state in self.ask(
                "SELECT s.topic, s.state FROM event_log JOIN stored_events AS s"
                " ON s.originator_id = stream AND s.originator_version = version"
                f" WHERE stream LIKE '{stream}' ORDER BY position"
            )
        ]

    def only(self, kind: type[Any], stream: str = "%") -> Any:
        (found,) = [event for event in self.events(stream) if isinstance(event, kind)]
        return found

    def size(self) -> int:
        return int(self.ask("SELECT COUNT(*) FROM event_log")[0][0])

    def work(self, decide: Callable[[Work], None]) -> None:
        with Ledger(self.address) as ledger:
            ledger.work(decide)


@pytest.fixture
def book(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Book]:
    with store.ledger() as url:
        yield Book(tmp_path, url, capsys)


@pytest.fixture
def sqlite_book(
    sqlite: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Book]:
    with sqlite.ledger() as url:
        yield Book(tmp_path, url, capsys)


STAMP = Stamp(
    recorded_at=datetime(2026, 3, 2, tzinfo=UTC),
    actor="anna",
    command_id="before",
    source=FromOperator(),
)


def synchronised(book: Book, *lines: Line, opened: int = 60, credits: str = "100") -> None:
    """An account that a sync opened at a minute of the story, with its lines."""

    def decide(work: Work) -> None:
        moment = parse_instant(at(opened))
        customer, account = work.customer(CUSTOMER), work.account("sms-1")
        work.record(
            customer,
            customers.register(
                customer, subsidiary="IT", time_zone="Europe/Rome", stamp=STAMP, at=moment
            ),
        )
        work.record(
            account,
            accounts.open_account(account, CUSTOMER, created_on=None, stamp=STAMP, at=moment),
        )
        work.record(
            account,
            accounts.open_balance(
                account, Credits.parse(credits), basis="observed", stamp=STAMP, at=moment
            ),
        )
        state = work.consumption("sms-1")
        recording = consumptions.record_lines(
            state, "consumption", lines, {}, numbers="x", stamp=STAMP
        )
        work.record(state, recording.pages)

    book.work(decide)


def line(id: int | str, minute: int, milli: int = 1000, parts: int | None = 1) -> Line:
    return Line(id=id, at_us=to_us(parse_instant(at(minute))), milli=milli, parts=parts)


# --- each kind -----------------------------------------------------------------------------


def test_an_opening_is_the_balance_that_movements_are_added_to(book: Book) -> None:
    book.takes(row("opening", "", 0, "100"), row("gift", "g1", 1, "5.5"))
    assert book.balance() == "105.5"
    opened = book.only(BalanceOpened)
    assert (opened.basis, opened.credits) == ("stated", Credits.parse("100"))
    assert opened.happened_at == parse_instant(at(0))


def test_movements_before_the_opening_are_recorded_but_not_counted(book: Book) -> None:
    book.takes(row("gift", "g1", 1, "5"), row("opening", "", 2, "100"))
    assert book.balance() == "100"
    assert book.only(CreditsAdjusted).credits == Credits.parse("5")


def test_a_purchase_keeps_its_bill_and_money(book: Book) -> None:
    money = {"net": "45.00", "vat": "9.90", "currency": "EUR", "bill": "IT123"}
    book.takes(row("purchase", "7001", 0, "1000", **money))
    bought = book.only(CreditsPurchased)
    assert (bought.bill_detail_id, bought.bill_id, bought.read_by) == ("7001", "IT123", "file")
    assert (bought.total_price, bought.tax) == (
        Money.parse("45.00", "EUR"),
        Money.parse("9.90", "EUR"),
    )
    assert book.balance() == "1000"
    assert not [e for e in book.events() if isinstance(e, PurchaseAttributed)]


def test_a_recharge_is_a_purchase_made_automatically(book: Book) -> None:
    book.takes(row("recharge", "7001", 0, "100"))
    assert book.only(CreditsPurchased).bill_detail_id == "7001"
    assert book.only(PurchaseAttributed).origin == "automatic"


def test_a_purchase_that_is_known_may_turn_out_to_be_a_recharge(book: Book) -> None:
    book.takes(row("purchase", "7001", 0, "100"))
    said = book.takes(row("recharge", "7001", 0, "100"))
    assert said == "ab1-ovh: 1 row, nothing recorded, 1 already known\n"
    assert book.only(PurchaseAttributed).bill_detail_id == "7001"
    assert book.balance() == "100"


def test_a_refund_takes_credits_away_for_money(book: Book) -> None:
    book.takes(
        row("purchase", "7001", 0, "1000", bill="IT1"),
        row("refund", "r1", 1, "400", net="18.00", currency="EUR", bill="IT1"),
    )
    assert book.balance() == "600"
    refund = book.only(CreditsRefunded)
    assert (refund.refund_id, refund.bill_id, refund.tax) == ("r1", "IT1", None)
    assert refund.net == Money.parse("18.00", "EUR")


def test_gifts_and_adjustments_are_adjustments_with_a_sign(book: Book) -> None:
    book.takes(
        row("gift", "1", 0, "5"),
        row("adjustment", "1", 1, "-0.25"),
        row("adjustment", "2", 2, "+1"),
    )
    assert book.balance() == "5.75"


@pytest.mark.parametrize("kind", ["consumption", "reply", "hlr", "cleaning"])
def test_lines_leave_the_account_with_all_that_is_known_of_them(book: Book, kind: str) -> None:
    more = {"country": "FR", "parts": "2", "tag": "news", "batch": "b1"}
    book.takes(row(kind, "17", 0, "1.5", **more), row(kind, "x-17", 1, "1"))
    assert book.balance() == "-2.5"
    pages = [event for event in book.events() if isinstance(event, PageRecorded)]
    assert {page.kind for page in pages} == {kind}
    number, text = (unpack(page)[0] for page in pages)
    assert number == Line(
        id=17,
        at_us=to_us(parse_instant(at(0))),
        milli=1500,
        parts=2,
        country="FR",
        batch="b1",
        tag="news",
    )
    assert (text.id, text.country, text.parts, text.tag) == ("x-17", "ZZ", None, None)


def test_digits_are_a_number_only_where_nothing_is_lost(book: Book) -> None:
    book.takes(
        row("consumption", "7", 0, "1"),
        row("consumption", "007", 1, "1"),
        row("consumption", "1" * 19, 2, "1"),
    )
    pages = [event for event in book.events() if isinstance(event, PageRecorded)]
    assert [one.id for page in pages for one in unpack(page)] == [7, "007", "1" * 19]


def test_a_transfer_has_two_legs_in_one_save(book: Book) -> None:
    book.takes(row("transfer", "t1", 0, "30", counter_account="sms-2"))
    assert (book.balance("sms-1"), book.balance("sms-2")) == ("-30", "30")
    sent, received = book.only(TransferSent, "sms-1"), book.only(TransferReceived, "sms-2")
    assert sent.transfer == received.transfer == "t1"
    assert (sent.counter_account, received.counter_account) == ("sms-2", "sms-1")


def test_two_accounts_may_send_transfers_of_one_id(book: Book) -> None:
    book.takes(
        row("transfer", "1", 0, "30", counter_account="sms-2"),
        row("transfer", "1", 1, "20", account="sms-2", counter_account="sms-1"),
    )
    assert (book.balance("sms-1"), book.balance("sms-2")) == ("-10", "10")


def test_users_are_attributed_to_their_lines(book: Book) -> None:
    book.takes(
        row("consumption", "1", 0, "1", user="bob"),
        row("consumption", "2", 0, "1"),
        row("consumption", "3", 0, "1", user="eve"),
    )
    assert attributed(book.only(LinesAttributed)) == {1: "bob", 3: "eve"}


def test_a_user_that_only_the_file_tells_is_attributed_to_a_known_line(book: Book) -> None:
    rows = [row("consumption", str(n), n, "1") for n in range(3)]
    book.takes(*rows)
    told = [row("consumption", str(n), n, "1", user="bob") for n in range(2)]
    assert "nothing recorded, 2 already known" in book.takes(*told)
    assert attributed(book.only(LinesAttributed)) == {0: "bob", 1: "bob"}
    size = book.size()
    assert "2 already known" in book.takes(*told, "")
    assert [e.TOPIC for e in book.events()][size:] == [
        ImportStarted.TOPIC,
        ImportCompleted.TOPIC,
    ]


# --- personal data -------------------------------------------------------------------------


def test_no_label_that_could_name_a_person_reaches_an_event(book: Book) -> None:
    secrets = {"tag": "+393331234567", "user": "anna@example.org", "batch": "Anna Rossi"}
    book.takes(row("consumption", "1", 0, "1", **secrets))
    for event in book.events():
        if isinstance(event, PageRecorded):
            (kept,) = unpack(event)
            text = f"{kept.tag} {kept.batch}"
        else:
            text = str(attributed(event)) if isinstance(event, LinesAttributed) else str(event)
        assert not any(secret in text for secret in secrets.values())
    meanings = {meaning for (meaning,) in book.ask("SELECT meaning FROM alias")}
    assert meanings == set(secrets.values())


# --- customers and accounts ----------------------------------------------------------------


def test_new_customers_and_accounts_are_opened_when_they_first_moved(book: Book) -> None:
    said = book.takes(
        row("gift", "2", 5, "5"),
        row("gift", "1", 2, "5"),
        options=("--time-zone", "Europe/Rome"),
    )
    assert said == (
        "ab1-ovh: 2 rows, 2 movements recorded, 0 already known\n"
        "  new accounts: sms-1\n"
        "  begin with 0 credits, since the file states no opening:"
        " sms-1 at 2026-03-01T09:02:00+00:00\n"
    )
    registered = book.only(CustomerRegistered)
    assert registered.time_zone == "Europe/Rome"
    assert registered.happened_at == parse_instant(at(2))
    assert book.only(AccountOpened).happened_at == parse_instant(at(2))
    opened = book.only(BalanceOpened)
    assert (opened.basis, opened.credits, opened.happened_at) == (
        "assumed",
        Credits(0),
        parse_instant(at(2)),
    )


def test_each_customer_has_its_own_import_with_its_control_total(book: Book) -> None:
    said = book.takes(
        row("opening", "", 0, "100"),
        row("purchase", "1", 1, "50"),
        row("consumption", "1", 2, "1.5"),
        row("transfer", "1", 2, "9", counter_account="sms-2"),
        row("gift", "1", 3, "7", customer="cd2-ovh", account="sms-9"),
    )
    assert [text for text in said.splitlines() if not text.startswith(" ")] == [
        "ab1-ovh: 4 rows, 1 opening, 2 movements, 1 line recorded, 0 already known",
        "cd2-ovh: 1 row, 1 movement recorded, 0 already known",
    ]
    started = book.only(ImportStarted, "customer/ab1-ovh")
    completed = book.only(ImportCompleted, "customer/ab1-ovh")
    assert (started.rows, started.total) == (4, Credits.parse("48.5"))
    assert (completed.rows, completed.recorded, completed.total) == (4, 4, started.total)
    assert book.only(ImportCompleted, "customer/cd2-ovh").total == Credits.parse("7")
    assert book.ask("SELECT COUNT(*), COUNT(completed_at_us) FROM file_import") == [(2, 2)]


def test_every_event_names_the_file_and_its_lines(book: Book) -> None:
    book.takes(
        row("gift", "1", 0, "1"),
        row("consumption", "2", 1, "1"),
        row("consumption", "1", 2, "1"),
        options=("--reason", "history"),
    )
    sources = {}
    for event in book.events():
        assert isinstance(event.source, FromFile)
        assert (event.reason, event.actor) == ("history", "anna")
        sources[event.TOPIC] = (event.source.first_line, event.source.last_line)
    assert sources[CreditsAdjusted.TOPIC] == (2, 2)
    assert sources[PageRecorded.TOPIC] == (3, 4)
    assert sources[ImportCompleted.TOPIC] == (2, 4)


def test_an_account_of_another_customer_in_the_ledger(book: Book) -> None:
    book.takes(row("gift", "1", 0, "1"))
    assert book.refuses(row("gift", "2", 0, "1", customer="cd2-ovh")) == (
        "line 2, column customer: expected ab1-ovh, to whom sms-1 belongs in the ledger,"
        " found cd2-ovh"
    )


def test_an_unknown_time_zone_is_misuse(book: Book) -> None:
    status, _, err = book.run(
        "import", str(book.file(row("gift", "1", 0, "1"))), "--time-zone", "Rome"
    )
    assert (status, err) == (
        2,
        "sms-ledger: expected a time zone like Europe/Rome, found 'Rome'\n",
    )


# --- again ---------------------------------------------------------------------------------

SOME = [
    row("opening", "", 0, "100"),
    row("recharge", "1", 1, "50"),
    row("transfer", "1", 2, "9", counter_account="sms-2"),
    *[row("consumption", str(n), n, "1", user="bob", tag="a b") for n in range(3, 30)],
]


def test_importing_the_same_file_again_records_nothing_and_says_so(book: Book) -> None:
    book.takes(*SOME)
    size = book.size()
    said = book.takes(*SOME)
    assert said == f"{book.folder}/history.csv: imported before, whole; nothing was recorded\n"
    assert book.size() == size


def test_rows_that_are_known_are_not_recorded_again(book: Book) -> None:
    book.takes(*SOME[:20])
    said = book.takes(*SOME[10:], *SOME)
    assert said == "ab1-ovh: 50 rows, 10 lines recorded, 40 already known\n"
    assert book.balance() == str(Credits.parse("114"))
    again = book.events("customer/ab1-ovh")[-1]
    assert isinstance(again, ImportCompleted)
    assert (again.rows, again.recorded) == (50, 10)


def test_a_row_that_stands_twice_in_a_file_is_recorded_once(book: Book) -> None:
    said = book.takes(*SOME[:2], *SOME[:2])
    assert said.startswith("ab1-ovh: 4 rows, 1 opening, 1 movement recorded, 2 already known\n")
    assert book.balance() == "150"


def test_a_row_that_does_not_tell_its_parts_contradicts_nothing(book: Book) -> None:
    book.takes(row("consumption", "1", 0, "1", parts="2"))
    assert "1 already known" in book.takes(row("consumption", "1", 0, "1"))


CHANGED = [
    (
        row("consumption", "3", 3, "2"),
        "line 2, column id: expected consumption 3 of 2026-03-01T09:03:00+00:00, credits 1 as"
        " the ledger has it, found consumption 3 of 2026-03-01T09:03:00+00:00, credits 2",
    ),
    (
        row("consumption", "3", 4, "1"),
        "line 2, column id: expected consumption 3 of 2026-03-01T09:03:00+00:00, credits 1 as"
        " the ledger has it, found consumption 3 of 2026-03-01T09:04:00+00:00, credits 1",
    ),
    (
        row("purchase", "1", 1, "51"),
        "line 2, column id: expected purchase 1 of 2026-03-01T09:01:00+00:00, credits 50 as"
        " the ledger has it, found purchase 1 of 2026-03-01T09:01:00+00:00, credits 51",
    ),
    (
        row("transfer", "1", 2, "8", counter_account="sms-2"),
        "line 2, column id: expected transfer 1 of 2026-03-01T09:02:00+00:00, credits 9 as"
        " the ledger has it, found transfer 1 of 2026-03-01T09:02:00+00:00, credits 8",
    ),
    (
        row("transfer", "1", 2, "9", counter_account="sms-3"),
        "line 2, column counter_account: expected transfer 1 between the accounts that the"
        " ledger has it with, found another account",
    ),
]


@pytest.mark.parametrize(("changed", "said"), CHANGED, ids=range(len(CHANGED)))
def test_a_key_of_the_ledger_with_another_payload(book: Book, changed: str, said: str) -> None:
    book.takes(*SOME)
    size = book.size()
    assert book.refuses(changed, row("gift", "new", 40, "1")) == said
    assert book.size() == size


def test_parts_are_part_of_what_the_ledger_knows(book: Book) -> None:
    book.takes(row("hlr", "1", 0, "0.1", parts="1"))
    said = book.refuses(row("hlr", "1", 0, "0.1", parts="2"))
    assert said.startswith("line 2, column id: expected hlr 1 of 2026-03-01T09:00:00+00:00,")


def test_a_corrected_line_is_known_by_what_it_cost_then_and_now(book: Book) -> None:
    synchronised(book, line(1, 60))

    def correct(work: Work) -> None:
        state = work.consumption("sms-1")
        known = work.known_lines("sms-1", "consumption", [1])
        recording = consumptions.record_lines(
            state, "consumption", [line(1, 60, 3000)], known, numbers="x", stamp=STAMP
        )
        work.record(state, recording.corrections)

    book.work(correct)
    for credits in ("1", "3"):
        assert "1 already known" in book.takes(row("consumption", "1", 60, credits, parts="1"))
    said = book.refuses(row("consumption", "1", 60, "2", parts="1"))
    assert said.startswith("line 2, column id: expected consumption 1 ")
    assert book.balance() == "97"


def test_lines_of_a_sync_and_of_a_file_are_the_same_lines(book: Book) -> None:
    synchronised(book, *[line(n, 60 + n % 7) for n in range(0, 3000, 3)])
    rows = [row("consumption", str(n), 60 + n % 7, "1", parts="1") for n in range(2, 1003, 1)]
    said = book.takes(*rows)
    known = len([n for n in range(2, 1003) if n % 3 == 0])
    assert said == f"ab1-ovh: 1001 rows, {1001 - known} lines recorded, {known} already known\n"
    assert book.balance() == str(Credits.parse("100") - Credits(1000 * (1000 + 1001 - known)))


def test_of_many_accounts_the_first_are_named(book: Book) -> None:
    said = book.takes(*[row("gift", "1", 1, "5", account=f"sms-ab1-{n}") for n in range(7)])
    assert (
        "\n  new accounts: sms-ab1-0, sms-ab1-1, sms-ab1-2, sms-ab1-3, sms-ab1-4 and 2 more\n"
        in said
    )


# --- older history -------------------------------------------------------------------------


def test_older_rows_move_the_opening_back_and_leave_the_balance(book: Book) -> None:
    synchronised(book, line(9, 61))
    said = book.takes(row("purchase", "1", 10, "50"), row("consumption", "1", 20, "1.5"))
    assert said == (
        "ab1-ovh: 2 rows, 1 movement, 1 line recorded, 0 already known\n"
        "  openings that move back: sms-1 at 2026-03-01T09:10:00+00:00\n"
    )
    restated = book.only(OpeningRestated)
    assert restated.credits == Credits.parse("51.5")
    assert restated.difference == Credits(0)
    assert book.balance() == "99"
    assert book.ask("SELECT * FROM open_break") == []


def test_a_stated_older_opening_that_agrees_leaves_no_break(book: Book) -> None:
    synchronised(book)
    book.takes(row("opening", "", 5, "51.5"), row("purchase", "1", 10, "50"),
               row("consumption", "1", 20, "1.5"))  # fmt: skip
    assert book.only(OpeningRestated).credits == Credits.parse("51.5")
    assert book.balance() == "100"
    assert book.ask("SELECT * FROM open_break") == []


def test_a_stated_older_opening_that_disagrees_becomes_a_break(book: Book) -> None:
    synchronised(book)
    book.takes(row("opening", "", 5, "50"), row("purchase", "1", 10, "45"))
    assert book.only(OpeningRestated).difference == -Credits.parse("5")
    assert book.only(BreakOpened).kind == "opening-difference"
    assert book.balance() == "95"


def test_movements_that_were_not_counted_yet_are_counted_from_an_older_opening(
    book: Book,
) -> None:
    book.takes(row("opening", "", 30, "100"), row("gift", "1", 10, "7"))
    assert book.balance() == "100"
    book.takes(row("opening", "", 5, "93"), row("consumption", "1", 40, "1"))
    assert book.only(OpeningRestated).difference == Credits(0)
    assert book.balance() == "99"


def test_an_account_that_was_assumed_to_begin_empty_begins_empty_earlier(book: Book) -> None:
    """Files of two years, imported in the wrong order, come to the same balance."""
    book.takes(row("consumption", "2", 30, "40"))
    book.takes(row("purchase", "1", 10, "100"))
    assert book.balance() == "60"
    restated = book.only(OpeningRestated)
    assert (restated.credits, restated.difference) == (Credits(0), Credits.parse("100"))
    assert not [event for event in book.events() if isinstance(event, BreakOpened)]


def test_movements_that_the_ledger_had_without_an_opening_stay_counted(book: Book) -> None:
    def decide(work: Work) -> None:
        moment = parse_instant(at(5))
        customer, account = work.customer(CUSTOMER), work.account("sms-1")
        registered = customers.register(
            customer, subsidiary=None, time_zone="Europe/Rome", stamp=STAMP, at=moment
        )
        work.record(customer, registered)
        opened = accounts.open_account(
            account, CUSTOMER, created_on=None, stamp=STAMP, at=moment
        )
        work.record(account, opened)
        gift = CreditsAdjusted(
            **STAMP.at(moment), adjustment_id="g0", kind="gift", credits=Credits(7000)
        )
        work.record(account, accounts.record_once(account, gift))

    book.work(decide)
    book.takes(row("consumption", "1", 30, "2"))
    assert book.balance() == "5"
    assert book.only(BalanceOpened).happened_at == parse_instant(at(5))


def test_the_opening_of_the_ledger_in_a_file_is_known(book: Book) -> None:
    synchronised(book)
    said = book.takes(row("opening", "", 60, "100"), row("gift", "1", 61, "1"))
    assert said == "ab1-ovh: 2 rows, 1 movement recorded, 1 already known\n"


def test_an_opening_that_was_restated_since_is_known_too(book: Book) -> None:
    book.takes(row("opening", "", 30, "100"))
    book.takes(row("opening", "", 10, "100"))
    assert "1 already known" in book.takes(
        row("opening", "", 30, "100"), row("gift", "1", 40, "1")
    )
    assert book.balance() == "101"


@pytest.mark.parametrize(
    ("minute", "credits", "column"), [(61, "100", "happened_at"), (60, "99", "credits")]
)
def test_an_opening_that_contradicts_the_ledger(
    book: Book, minute: int, credits: str, column: str
) -> None:
    synchronised(book)
    said = book.refuses(row("opening", "", minute, credits), row("gift", "1", 62, "1"))
    assert said == (
        f"line 2, column {column}: expected an opening before 2026-03-01T10:00:00+00:00, when"
        f" sms-1 opened with 100 credits in the ledger, found {credits} credits of"
        f" 2026-03-01T10:0{minute - 60}:00+00:00: leave this row out"
    )


# --- files ---------------------------------------------------------------------------------


def test_a_header_alone_is_nothing_to_import(book: Book) -> None:
    assert book.takes() == f"{book.folder}/history.csv: nothing to import\n"
    assert book.size() == 0


def test_columns_come_in_any_order_and_may_be_missing(book: Book) -> None:
    path = book.folder / "history.csv"
    path.write_text(
        "\ufeffcredits,id,kind,account,customer,happened_at\r\n"
        f"5,g1,gift,sms-1,ab1-ovh,{at(0)}\r\n\r\n"
    )
    assert book.run("import", str(path))[0] == 0
    assert book.balance() == "5"


def test_jsonl_says_the_same_as_csv(book: Book) -> None:
    path = book.folder / "history.jsonl"
    start = f'{{"customer":"ab1-ovh","account":"sms-1","happened_at":"{at(0)}",'
    path.write_text(
        f'{start}"kind":"purchase","id":7001,"credits":1000.5,"net":45.00,"currency":"EUR"}}\n'
        "\n"
        f'{start}"kind":"hlr","id":"5","credits":"0.1","tag":null,"parts":1}}\n'
    )
    status, out, err = book.run("import", str(path))
    assert (status, err) == (0, "")
    assert out.startswith("ab1-ovh: 2 rows, 1 movement, 1 line recorded")
    assert book.balance() == "1000.4"
    assert book.only(CreditsPurchased).total_price == Money.parse("45.00", "EUR")
    assert book.only(PageRecorded).source.first_line == 3


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_standard_input_is_read_whatever_its_format(
    book: Book, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    cells = dict(zip(COLUMNS.split(","), row("gift", "1", 0, "5").split(","), strict=True))
    text = "{" + ",".join(f'"{key}":"{value}"' for key, value in cells.items()) + "}\n"
    if form == "csv":
        text = f"{COLUMNS}\n{row('gift', '1', 0, '5')}\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert book.run("import", "-")[0] == 0
    assert book.balance() == "5"


def test_a_pipe_is_read_like_a_file(book: Book) -> None:
    pipe = book.folder / "pipe.csv"
    os.mkfifo(pipe)
    text = f"{COLUMNS}\n{row('gift', '1', 0, '5')}\n"
    writer = subprocess.Popen(["sh", "-c", f'printf "%s" "$0" > {pipe}', text])
    assert book.run("import", str(pipe))[0] == 0
    assert writer.wait() == 0
    assert book.balance() == "5"


def test_the_format_may_be_said(book: Book) -> None:
    path = book.folder / "history.txt"
    path.write_text(f"{COLUMNS}\n{row('gift', '1', 0, '5')}\n")
    status, _, err = book.run("import", str(path), "--format", "jsonl")
    assert status == 5
    assert "line 1: expected one JSON object, found none (Expecting value" in err
    assert book.run("import", str(path))[0] == 0


@pytest.mark.parametrize(
    ("name", "why"), [("nowhere.csv", "No such file or directory"), ("", "Is a directory")]
)
def test_a_file_that_cannot_be_read_is_misuse(book: Book, name: str, why: str) -> None:
    path = book.folder / name
    status, out, err = book.run("import", str(path))
    assert (status, out) == (2, "")
    assert err == (
        f"sms-ledger: expected a file to import, found that {path} cannot be read ({why});"
        " name a CSV or JSONL file, or - for standard input\n"
    )


def test_a_file_that_changes_while_it_is_read_is_refused(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ledger.files import importing

    path = book.file(row("gift", "1", 0, "5"))
    check = importing.is_complete

    def another_writes(database: Database, sha256: str) -> bool:
        path.write_text(path.read_text() + row("gift", "2", 0, "5") + "\n")
        return check(database, sha256)

    monkeypatch.setattr(importing, "is_complete", another_writes)
    status, out, err = book.run("import", str(path))
    assert (status, out) == (5, "")
    assert err == (
        f"sms-ledger: expected {path} to stay as it is while it is read, found that it changed:"
        " nothing was recorded, import it again when it is written whole\n"
    )
    assert book.size() == 0


def test_a_dry_run_tells_and_records_nothing(book: Book) -> None:
    said = book.takes(*SOME, options=("--dry-run",))
    assert said.startswith(
        "ab1-ovh: 30 rows, 1 opening, 2 movements, 27 lines to record, 0 already known\n"
    )
    assert book.size() == 0
    assert book.ask("SELECT * FROM alias") == []
    assert book.refuses(*SOME, row("gift", "", 0, "1")).startswith("line 32, column id:")


def test_a_dry_run_makes_no_ledger(book: Book) -> None:
    path = book.file(*SOME)
    elsewhere = book.folder / "new" / "ledger.db"
    status = cli.run(["--database", str(elsewhere), "import", str(path), "--dry-run"])
    assert status == 0
    assert not elsewhere.parent.exists()


# --- two at once, and cut off --------------------------------------------------------------


def start(book: Book, path: Path) -> subprocess.Popen[str]:
    program = "import sys, cli; cli.main(sys.argv[1:])"
    return subprocess.Popen(
        [sys.executable, "-c", program, "--database", book.url, "import", str(path)],
        cwd=Path(cli.__file__).parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_second_importer_of_the_same_file_waits_and_records_nothing(book: Book) -> None:
    path = book.file(*SOME)
    with (
        closing(connect(book.address)) as first,
        first.lock("import", waits=lambda: None),
    ):
        second = start(book, path)
        assert second.stderr is not None
        assert second.stderr.readline() == (
            "sms-ledger: another import is under way: waiting for it to end\n"
        )
        assert second.poll() is None
    third = start(book, path)
    outs = sorted([second.communicate()[0], third.communicate()[0]])
    assert (second.returncode, third.returncode) == (0, 0)
    assert outs[0] == f"{path}: imported before, whole; nothing was recorded\n"
    assert outs[1].startswith("ab1-ovh: 30 rows, 1 opening, 2 movements, 27 lines recorded")
    assert len([e for e in book.events() if isinstance(e, ImportStarted)]) == 1


def test_the_lock_is_readable_by_its_owner_only(sqlite_book: Book) -> None:
    book = sqlite_book
    book.takes(*SOME)
    mode = book.path.with_name("ledger.db.import-lock").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_ctrl_c_ends_with_130_and_the_next_run_goes_on(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(line_module.LineRecorder, "run", _interrupted)
        status, out, err = book.run("import", str(book.file(*SOME)))
    assert (status, out) == (130, "")
    assert err.lstrip() == (
        "sms-ledger: interrupted; what was recorded is whole, run it again to go on\n"
    )
    assert book.ask("SELECT completed_at_us FROM file_import") == [(None,)]
    said = book.takes(*SOME)
    assert said == "ab1-ovh: 30 rows, 27 lines recorded, 3 already known\n"
    completed = book.only(ImportCompleted)
    assert (completed.rows, completed.recorded) == (30, 30)
    assert book.balance() == "114"


def _interrupted(self: object) -> None:
    raise KeyboardInterrupt


def test_lines_that_another_program_records_meanwhile_are_not_counted_twice(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    synchronised(book, line(1, 61))
    meanwhile = _before_lines(monkeypatch, book, line(5, 65, parts=None))
    said = book.takes(*[row("consumption", str(n), 60 + n, "1") for n in range(3, 9)])
    assert meanwhile
    assert "6 lines recorded" in said
    assert book.balance() == "93"


def test_another_payload_that_comes_meanwhile_stops_the_import(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    synchronised(book, line(1, 61))
    _before_lines(monkeypatch, book, line(5, 65, milli=2000))
    path = book.file(*[row("consumption", str(n), 60 + n, "1") for n in range(3, 9)])
    status, out, err = book.run("import", str(path))
    assert (status, out) == (5, "")
    assert err == (
        "sms-ledger: expected sms-1 as it was when the file was checked, found that another"
        " program changed it meanwhile: import the same file again to go on\n"
    )
    assert book.run("import", str(path))[2].startswith(
        f"sms-ledger: {path}: line 4, column id: expected consumption 5 "
    )


def _before_lines(monkeypatch: pytest.MonkeyPatch, book: Book, found: Line) -> list[int]:
    """Let a sync find a line after the file was checked, before its lines are recorded."""
    run = line_module.LineRecorder.run
    done: list[int] = []

    def decide(work: Work) -> None:
        state = work.consumption("sms-1")
        recording = consumptions.record_lines(
            state, "consumption", [found], {}, numbers="x", stamp=STAMP
        )
        work.record(state, recording.pages)

    def recorded_meanwhile(self: line_module.LineRecorder) -> None:
        book.work(decide)
        done.append(1)
        run(self)

    monkeypatch.setattr(line_module.LineRecorder, "run", recorded_meanwhile)
    return done


def test_an_opening_that_another_program_records_meanwhile_stops_the_import(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_import = record.Recorder._start

    def recorded_meanwhile(self: record.Recorder, work: Work) -> None:
        if not book.ask("SELECT * FROM account"):
            synchronised(book)
        start_import(self, work)

    monkeypatch.setattr(record.Recorder, "_start", recorded_meanwhile)
    path = book.file(row("opening", "", 5, "0"), row("gift", "1", 10, "100"))
    status, _, err = book.run("import", str(path))
    assert status == 5
    assert "found that another program changed it meanwhile" in err
    assert book.run("import", str(path))[0] == 0
    assert book.balance() == "100"


# --- the machine beneath -------------------------------------------------------------------


def test_a_spool_without_room_is_an_unusable_database(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "_TABLES", ("PRAGMA max_page_count = 8", *spool._TABLES))
    path = book.file(*[row("gift", f"{n}-{'x' * 40}", 0, "1") for n in range(2000)])
    status, _, err = book.run("import", str(path))
    assert status == 6
    assert err == (
        "sms-ledger: expected room for the temporary files in TMPDIR, found the disk full or"
        " failing (database or disk is full); nothing was half-recorded: make room and run the"
        " command again\n"
    )
    assert book.size() == 0


def test_lines_for_which_there_is_no_room_are_an_unusable_database(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = partial(open, "/dev/full", "w+b")
    monkeypatch.setattr(line_spool.tempfile, "TemporaryFile", full)
    status, _, err = book.run("import", str(book.file(row("consumption", "1", 0, "1"))))
    assert status == 6
    assert err == (
        "sms-ledger: expected room for the temporary files in TMPDIR, found the disk full or"
        " failing (No space left on device); nothing was half-recorded: make room and run the"
        " command again\n"
    )
    assert book.size() == 0


def test_a_lock_that_cannot_be_made_is_an_unusable_database(sqlite_book: Book) -> None:
    book = sqlite_book
    lock = book.path.with_name("ledger.db.import-lock")
    lock.mkdir()
    status, _, err = book.run("import", str(book.file(*SOME)))
    assert status == 6
    assert err == (
        f"sms-ledger: expected to write {lock}, found that it cannot be written (Is a"
        " directory): check the rights of the ledger's folder\n"
    )


def test_a_file_that_is_no_ledger_is_an_unusable_database(sqlite_book: Book) -> None:
    book = sqlite_book
    book.path.write_text("no database at all, " * 1000)
    assert book.run("import", str(book.file(*SOME)))[0] == 6


def test_progress_is_shown_on_a_terminal_only(
    book: Book, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = Percent(shown=True)
    shown("recording", 1, 3)
    shown("recording", 2, 3)
    shown.clear()
    assert capsys.readouterr().err == "\rrecording 33 %\r"
    hidden = Percent(shown=False)
    hidden("recording", 1, 3)
    hidden.clear()
    assert capsys.readouterr().err == ""


def test_a_year_in_pages_is_ordered_by_id(book: Book) -> None:
    rows = [row("consumption", str(n), n % 600, "0.1") for n in range(2500)]
    book.takes(*reversed(rows))
    pages = [event for event in book.events() if isinstance(event, PageRecorded)]
    assert [(page.first_id, page.last_id) for page in pages] == [
        (0, 999),
        (1000, 1999),
        (2000, 2499),
    ]
    assert pages[0].first_at == from_us(to_us(parse_instant(at(0))))
    assert pages[0].numbers == "file"
