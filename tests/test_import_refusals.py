"""Every way in which an import file is refused: its line, its column, expected, found."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from stores import Store

import cli
from ledger.database import connect, parse_address

COLUMNS = (
    "customer,account,kind,id,happened_at,credits,country,parts,tag,user,batch,"
    "counter_account,net,vat,currency,bill"
)
NOON = "2026-03-01T12:00:00+01:00"
GOOD = f"ab1-ovh,sms-ab1-1,consumption,1,{NOON},1,IT,1,,,,,,,,"


@pytest.fixture(scope="module")
def ledger(store: Store) -> Iterator[str]:
    """An empty ledger, which stays empty: what is refused leaves nothing."""
    with store.ledger() as url:
        yield url


def row(**cells: str) -> str:
    """A good consumption row with some cells changed."""
    good = dict(zip(COLUMNS.split(","), GOOD.split(","), strict=True))
    return ",".join({**good, **cells}.values())


def refusal(
    ledger: str, file: Path, content: str | bytes, capsys: pytest.CaptureFixture[str]
) -> str:
    """Import a file that is refused: give what is said of it, and see that nothing stays."""
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    status = cli.run(["--database", ledger, "import", str(file)])
    said = capsys.readouterr()
    assert status == 5, said.err
    assert said.out == ""
    database = connect(parse_address(ledger))
    assert database.execute("SELECT COUNT(*) FROM event_log") == [(0,)]
    assert database.execute("SELECT COUNT(*) FROM alias") == [(0,)]
    database.close()
    start = f"sms-ledger: {file}: "
    end = "; nothing was recorded: correct the file and import it again\n"
    assert said.err.startswith(start)
    assert said.err.endswith(end)
    return said.err.removeprefix(start).removesuffix(end)


LATER = (datetime.now(UTC) + timedelta(days=2)).isoformat()
ID = "an id of at most 64 letters, digits and any of _.:/#=-"
KINDS = (
    "one of opening, purchase, recharge, gift, refund, consumption, reply, hlr, cleaning,"
    " transfer, adjustment"
)

BAD_CELLS = [
    ({"customer": ""}, "customer", "a name", "nothing"),
    ({"account": ""}, "account", "a name", "nothing"),
    (
        {"customer": "ab 1"},
        "customer",
        "an OVH customer identifier like ab12345-ovh",
        "'ab 1'",
    ),
    ({"account": "sms/1"}, "account", "an SMS account like sms-ab12345-1", "'sms/1'"),
    ({"account": "customer"}, "account", "an SMS account like sms-ab12345-1", "'customer'"),
    ({"kind": "consumtion"}, "kind", "'consumption'", "'consumtion'"),
    ({"kind": "xyz"}, "kind", KINDS, "'xyz'"),
    ({"kind": ""}, "kind", KINDS, "nothing"),
    ({"id": ""}, "id", ID, "nothing"),
    ({"id": "a b"}, "id", ID, "'a b'"),
    ({"id": "+393331234567"}, "id", ID, "'+393331234567'"),
    ({"id": "anna@example.org"}, "id", ID, "'anna@example.org'"),
    ({"id": "x" * 65}, "id", ID, f"'{'x' * 60}…'"),
    (
        {"credits": "0.0001"},
        "credits",
        "credits with at most three decimals",
        "'0.0001'",
    ),
    ({"credits": "1e3"}, "credits", "credits as digits with a point, like 12.5", "'1e3'"),
    ({"credits": "-5"}, "credits", "credits as digits with a point, like 12.5", "'-5'"),
    ({"credits": "NaN"}, "credits", "credits as digits with a point, like 12.5", "'NaN'"),
    (
        {"credits": '"1,5"'},
        "credits",
        "credits as digits with a point, like 12.5",
        "'1,5'",
    ),
    ({"credits": ""}, "credits", "credits as digits with a point, like 12.5", "''"),
    (
        {"kind": "adjustment", "credits": "--1"},
        "credits",
        "credits as digits with a point, like -12.5",
        "'--1'",
    ),
    (
        {"happened_at": "01/03/2026"},
        "happened_at",
        "a time like 2026-10-31T18:00:00+01:00",
        "'01/03/2026'",
    ),
    (
        {"happened_at": "2026-03-01T12:00:00"},
        "happened_at",
        "a time with its offset, like 2026-10-31T18:00:00+01:00",
        "'2026-03-01T12:00:00'",
    ),
    ({"happened_at": LATER}, "happened_at", "a time from 2000-01-01 until now", f"'{LATER}'"),
    (
        {"happened_at": "1970-01-01T00:00:00Z"},
        "happened_at",
        "a time from 2000-01-01 until now",
        "'1970-01-01T00:00:00Z'",
    ),
    ({"country": "Italy"}, "country", "two capital letters like IT, or ZZ", "'Italy'"),
    ({"country": "it"}, "country", "two capital letters like IT, or ZZ", "'it'"),
    ({"parts": "1.5"}, "parts", "a whole number from 0 to 99", "'1.5'"),
    ({"parts": "100"}, "parts", "a whole number from 0 to 99", "'100'"),
    ({"parts": "-1"}, "parts", "a whole number from 0 to 99", "'-1'"),
    ({"tag": "x" * 256}, "tag", "at most 255 characters", "256 characters"),
    ({"user": "x" * 256}, "user", "at most 255 characters", "256 characters"),
    ({"batch": "x" * 256}, "batch", "at most 255 characters", "256 characters"),
    (
        {"kind": "purchase", "net": "4.20"},
        "currency",
        "a currency of three capital letters",
        "nothing",
    ),
    (
        {"kind": "purchase", "net": "4.20", "currency": "eur"},
        "currency",
        "a currency of three capital letters",
        "'eur'",
    ),
    (
        {"kind": "purchase", "net": '"4,20"', "currency": "EUR"},
        "net",
        "an amount like 4.20",
        "'4,20'",
    ),
    (
        {"kind": "refund", "vat": "x", "currency": "EUR"},
        "vat",
        "an amount like 4.20",
        "'x'",
    ),
    (
        {"kind": "refund", "bill": "a b"},
        "bill",
        "a bill's id of at most 64 letters, digits and any of _.:/#=-",
        "'a b'",
    ),
    (
        {"kind": "transfer"},
        "counter_account",
        "the account that the credits went to",
        "nothing",
    ),
    (
        {"kind": "transfer", "counter_account": "sms-ab1-1"},
        "counter_account",
        "another account",
        "sms-ab1-1",
    ),
    (
        {"kind": "transfer", "counter_account": "a b"},
        "counter_account",
        "an SMS account like sms-ab12345-1",
        "'a b'",
    ),
]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (cells, f"line 3, column {column}: expected {expected}, found {found}")
        for cells, column, expected, found in BAD_CELLS
    ],
    ids=[f"{column}-{number}" for number, (_, column, _, _) in enumerate(BAD_CELLS)],
)
def test_a_cell_that_does_not_fit(
    ledger: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    cells: dict[str, str],
    said: str,
) -> None:
    content = "\n".join([COLUMNS, row(id="9"), row(**cells), ""])
    assert refusal(ledger, tmp_path / "history.csv", content, capsys) == said


HEADERS = [
    ("", f"line 1: expected a header row {COLUMNS}, found an empty file"),
    ("\n\n", f"line 1: expected a header row {COLUMNS}, found an empty file"),
    (
        COLUMNS.replace("credits", "credit"),
        "line 1, column 'credit': expected a known column, 'credits', found that",
    ),
    (
        COLUMNS.replace("user", "receiver"),
        f"line 1, column 'receiver': expected a known column, one of"
        f" {COLUMNS.replace(',', ', ')}, found that",
    ),
    (COLUMNS + ",tag", "line 1, column tag: expected each column once, found it twice"),
    (
        COLUMNS.replace("happened_at,", ""),
        "line 1: expected a column 'happened_at', found a header without it",
    ),
    (
        COLUMNS.replace(",", ";"),
        "line 1: expected columns separated by commas, found semicolons or tabs:"
        " save the file as CSV with commas",
    ),
]


@pytest.mark.parametrize(("header", "said"), HEADERS)
def test_a_header_that_does_not_fit(
    ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], header: str, said: str
) -> None:
    assert refusal(ledger, tmp_path / "history.csv", header, capsys) == said


CSV = "cells separated by commas, quoted where needed"
BYTES = [
    (b"ab1-ovh,sms", "line 3: expected 16 cells, as the header has, found 2"),
    (GOOD.encode() + b",", "line 3: expected 16 cells, as the header has, found 17"),
    (
        row(tag="caff\u00e8").encode("latin-1"),
        "line 3: expected UTF-8, found byte 0xe8: save the file as UTF-8",
    ),
    (
        row(tag="\0").encode(),
        "line 3: expected text, found a NUL byte: is it a text file?",
    ),
    (
        row(tag='"never closed').encode(),
        f"line 3: expected {CSV}, found none (unexpected end of data)",
    ),
    (
        row(tag='"a"b').encode(),
        f"line 3: expected {CSV}, found none (',' expected after '\"')",
    ),
    (
        b"x" * (1 << 20) + b"y",
        "line 3: expected a line of text, found one of more than 1048576 bytes",
    ),
]


@pytest.mark.parametrize(("bad", "said"), BYTES, ids=range(len(BYTES)))
def test_bytes_that_are_no_row(
    ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], bad: bytes, said: str
) -> None:
    content = b"\n".join([COLUMNS.encode(), row(id="9").encode(), bad])
    assert refusal(ledger, tmp_path / "history.csv", content, capsys) == said


def test_utf_16_is_named(
    ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = f"{COLUMNS}\n{GOOD}\n".encode("utf-16")
    assert refusal(ledger, tmp_path / "history.csv", content, capsys) == (
        "line 1: expected UTF-8, found UTF-16: save the file as UTF-8"
    )


def test_a_compressed_file_is_no_text(
    ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = gzip.compress(f"{COLUMNS}\n{GOOD}\n".encode(), mtime=0)
    said = refusal(ledger, tmp_path / "history.csv", content, capsys)
    assert said == "line 1: expected text, found a NUL byte: is it a text file?"


def test_a_line_number_is_that_of_the_file_whatever_stands_before(
    ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Quoted line ends, empty lines, a byte order mark: line 7 is where a person looks."""
    content = "\n".join(
        ["\ufeff" + COLUMNS, "", row(id="1", tag='"two\nlines"'), "", row(id="2"), row(id="!")]
    )
    said = refusal(ledger, tmp_path / "history.csv", content, capsys)
    assert said == f"line 7, column id: expected {ID}, found '!'"


def test_a_row_of_several_lines_is_named_by_its_first(
    ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = "\n".join([COLUMNS, row(id="!", tag='"two\nlines"'), row(id="2")])
    said = refusal(ledger, tmp_path / "history.csv", content, capsys)
    assert said == f"line 2, column id: expected {ID}, found '!'"


JSON = f'{{"customer":"ab1-ovh","account":"sms-ab1-1","happened_at":"{NOON}",'
BAD_JSON = [
    ("[1]", "line 2: expected one JSON object, found '[1]'"),
    ("{", "expected one JSON object, found none (Expecting property name"),
    ("[" * 100_000, "line 2: expected one JSON object, found one nested too deeply"),
    ("{} {}", "line 2: expected one JSON object, found none (Extra data at character 4)"),
    (
        JSON + '"kind":"gift","id":"g","credits":1e3}',
        "line 2, column credits: expected credits as digits with a point, like 12.5,"
        " found '1e3'",
    ),
    (
        JSON + '"kind":"gift","id":"g","credits":0.0001}',
        "line 2, column credits: expected credits with at most three decimals, found '0.0001'",
    ),
    (
        JSON + '"kind":"gift","id":"g","credits":NaN}',
        "line 2, column credits: expected credits as digits with a point, like 12.5,"
        " found 'NaN'",
    ),
    (
        JSON + '"kind":"gift","id":"g","credits":[1]}',
        "line 2, column credits: expected a string or a number, found an object or a list",
    ),
    (
        JSON + '"kind":"gift","id":"g","credits":true}',
        "line 2, column credits: expected a string or a number, found true",
    ),
    (
        JSON + '"kind":"gift","id":"g","credits":"1","tag":5}',
        "line 2, column tag: expected a string, found the number 5",
    ),
    (
        JSON + '"kind":"gift","id":"g","credits":"1","credits":"2"}',
        "line 2, column credits: expected each key once, found it twice",
    ),
    (
        JSON + '"kind":"gift","id":"g","credit":"1"}',
        "line 2, column 'credit': expected a known key, 'credits', found that",
    ),
    (
        JSON + '"kind":"hlr","id":"1","credits":"1","tag":"\\ud800"}',
        "line 2, column tag: expected text, found '\\ud800'",
    ),
    (
        JSON + '"kind":"hlr","id":"1","credits":"1","tag":"a\\u0000"}',
        "line 2, column tag: expected text, found 'a\\x00'",
    ),
    (
        JSON + '"id":"1","credits":"1"}',
        f"line 2, column kind: expected {KINDS}, found nothing",
    ),
]


@pytest.mark.parametrize(("bad", "said"), BAD_JSON, ids=range(len(BAD_JSON)))
def test_a_json_line_that_does_not_fit(
    ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], bad: str, said: str
) -> None:
    good = JSON + '"kind":"gift","id":"g0","credits":"1"}'
    assert said in refusal(ledger, tmp_path / "history.jsonl", f"{good}\n{bad}\n", capsys)


def book(*rows: str) -> str:
    return "\n".join([COLUMNS, *rows, ""])


def test_the_same_id_with_another_payload_names_both_lines(
    ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = book(row(id="7"), row(id="8"), row(id="7", credits="2"))
    assert refusal(ledger, tmp_path / "history.csv", content, capsys) == (
        "line 4, column id: expected consumption 7 of 2026-03-01T11:00:00+00:00, credits 1,"
        " parts 1 as in line 2, found consumption 7 of 2026-03-01T11:00:00+00:00, credits 2,"
        " parts 1"
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"happened_at": "2026-03-01T12:00:01+01:00"},
        {"credits": "0.999"},
        {"parts": "2"},
    ],
)
def test_time_credits_and_parts_are_the_payload_of_a_line(
    ledger: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changed: dict[str, str],
) -> None:
    said = refusal(ledger, tmp_path / "history.csv", book(GOOD, row(**changed)), capsys)
    assert said.startswith(
        "line 3, column id: expected consumption 1 of 2026-03-01T11:00:00+00:00,"
    )


def test_of_two_bad_rows_the_first_is_told(
    ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A contradiction is seen only when all is read, but it stands before the torn row."""
    content = book(GOOD, row(parts="2"), "torn")
    said = refusal(ledger, tmp_path / "history.csv", content, capsys)
    assert said.startswith("line 3, column id: expected consumption 1 ")


def test_a_bill_line_is_a_purchase_or_a_recharge_not_both(
    ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = book(row(kind="purchase", id="70"), row(kind="recharge", id="70"))
    assert refusal(ledger, tmp_path / "history.csv", content, capsys) == (
        "line 3, column id: expected purchase 70 of 2026-03-01T11:00:00+00:00, credits 1"
        " as in line 2, found recharge 70 of 2026-03-01T11:00:00+00:00, credits 1"
    )


def test_two_openings_of_one_account(
    ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = book(row(kind="opening", id=""), row(kind="opening", id="", credits="2"))
    assert refusal(ledger, tmp_path / "history.csv", content, capsys) == (
        "line 3, column credits: expected opening of 2026-03-01T11:00:00+00:00, credits 1"
        " as in line 2, found opening of 2026-03-01T11:00:00+00:00, credits 2"
    )


def test_one_transfer_does_not_go_to_two_accounts(
    ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = {"kind": "transfer", "id": "t1"}
    content = book(
        row(**sent, counter_account="sms-ab1-2"), row(**sent, counter_account="sms-ab1-3")
    )
    assert refusal(ledger, tmp_path / "history.csv", content, capsys) == (
        "line 3, column id: expected transfer t1 of 2026-03-01T11:00:00+00:00, credits 1,"
        " with sms-ab1-2 as in line 2, found transfer t1 of 2026-03-01T11:00:00+00:00,"
        " credits 1, with sms-ab1-3"
    )


@pytest.mark.parametrize(
    "second",
    [
        {"customer": "cd2-ovh", "id": "2"},
        {
            "customer": "cd2-ovh",
            "account": "sms-cd2-1",
            "kind": "transfer",
            "counter_account": "sms-ab1-1",
        },
    ],
)
def test_an_account_belongs_to_one_customer(
    ledger: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    second: dict[str, str],
) -> None:
    said = refusal(ledger, tmp_path / "history.csv", book(GOOD, row(**second)), capsys)
    assert said == (
        "line 3, column customer: expected ab1-ovh, whose account sms-ab1-1 is in line 2,"
        " found cd2-ovh"
    )


def test_more_credits_than_the_ledger_can_hold(
    ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = book(*(row(id=str(number), credits="9" * 12) for number in range(9_300)))
    assert refusal(ledger, tmp_path / "history.csv", content, capsys).startswith(
        "line 2, column credits: expected credits of ab1-ovh within the ledger's bounds"
    )
