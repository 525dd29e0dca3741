"""Tables for people; JSON, CSV and TSV for scripts: stable, exact, harmless."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import click
import pytest

from cli.forms.objects import as_json
from cli.forms.parts import Part
from cli.forms.separated import Separation, as_separated
from cli.forms.text import as_table
from cli.tables import cell, draw
from ledger.credits import Credits
from projections.report import NESTED, Report

STORY = """
    customer ab12345-ovh
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-01 10:00 sms 1.4
    2026-10-02 09:00 purchase 250 =1+1
    account sms-ab12345-2
    2026-10-01 09:00 opening 10
"""

REPORTS = {
    "account-list": ["account", "list"],
    "bal": ["bal"],
    "reg": ["reg"],
    "recon-run": ["recon", "run"],
    "recon-show": ["recon", "show"],
    "recon-breaks": ["recon", "breaks"],
    "audit-log": ["audit", "log"],
    "check": ["check"],
}


@dataclass(frozen=True)
class Row:
    name: str
    at: datetime | None
    credits: Credits | None
    count: int
    parts: tuple[Credits, ...] = field(default=(), metadata=NESTED)


AT = datetime(2026, 10, 1, 9, tzinfo=UTC)
REPORT = Report(
    Row,
    7,
    [
        Row("plain", AT, Credits(-1_400), 3, (Credits(1),)),
        Row("=cmd|' /C calc'!A0", None, Credits(1_987_200), 12),
        Row("@x", None, None, 0),
    ],
)


def test_json_is_one_versioned_object_with_exact_digits():
    assert json.loads(as_json([Part("thing", REPORT)], "thing")) == {
        "schema": "sms-ledger/thing/1",
        "position": 7,
        "checkpoint": None,
        "checkpoint_at": None,
        "notes": [],
        "rows": [
            {
                "name": "plain",
                "at": "2026-10-01T09:00:00+00:00",
                "credits": "-1.4",
                "count": 3,
                "parts": ["0.001"],
            },
            {
                "name": "=cmd|' /C calc'!A0",
                "at": None,
                "credits": "1987.2",
                "count": 12,
                "parts": [],
            },
            {"name": "@x", "at": None, "credits": None, "count": 0, "parts": []},
        ],
    }


def test_csv_leaves_nothing_for_a_spreadsheet_to_compute_and_numbers_stay_numbers():
    assert list(csv.reader(io.StringIO(as_separated(Part("thing", REPORT), Separation())))) == [
        ["name", "at", "credits", "count"],
        ["plain", "2026-10-01T09:00:00+00:00", "-1.4", "3"],
        ["'=cmd|' /C calc'!A0", "", "1987.2", "12"],
        ["'@x", "", "", "0"],
    ]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "\r=1"])
def test_every_beginning_of_a_formula_is_made_harmless(text):
    report = Report(Row, 1, [Row(text, None, None, 0)])
    ((cell, *_),) = list(
        csv.reader(io.StringIO(as_separated(Part("thing", report), Separation())), strict=True)
    )[1:]
    assert cell == f"'{text}".replace("\r", " ")


def test_a_table_aligns_words_left_and_numbers_at_their_point():
    assert as_table([Part("thing", REPORT, hide=frozenset(["at"]))], ["", "That is all."]) == (
        "name                credits  count\n"
        "plain                  -1.4      3\n"
        "=cmd|' /C calc'!A0   1987.2     12\n"
        "@x                        ?      0\n"
        "\n"
        "That is all.\n"
        "log position 7\n"
    )


@pytest.mark.parametrize(
    ("milli", "decimals", "text"),
    [(11_450, 0, "11.45"), (11_450, 1, "11.45"), (11_000, 2, "11.00"), (-5, 0, "-0.005")],
)
def test_a_table_never_cuts_a_decimal_off(milli, decimals, text):
    assert cell(Credits(milli), decimals) == text


def test_a_table_of_nothing_says_so():
    table = as_table([Part("thing", Report(Row, 0, []))])
    assert table == "nothing to show\nlog position 0\n"


def test_colour_is_for_terminals_and_never_moves_a_column():
    plain = draw(["credits"], [[Credits(-1)], [Credits(1)]])
    coloured = draw(["credits"], [[Credits(-1)], [Credits(1)]], color=True)
    assert "\x1b" not in plain
    assert "\x1b[31m" in coloured
    assert click.unstyle(coloured) == plain


def test_a_terminal_is_never_steered_by_what_comes_from_outside():
    assert "\x1b" not in draw(["name"], [["\x1b[2Jgone"]])


# --- whole commands ------------------------------------------------------------------------


@pytest.fixture
def story(books):
    return books.draw(STORY)


@pytest.mark.parametrize("name", REPORTS)
def test_an_empty_ledger_answers_no_rows_and_all_is_well(books, name):
    ran = books.type(*REPORTS[name], "-O", "json")
    assert ran.status == 0
    assert ran.document == {
        "schema": f"sms-ledger/{name}/1",
        "position": 0,
        "checkpoint": None,
        "checkpoint_at": None,
        "notes": [],
        "rows": [],
    }


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("form", ["table", "csv", "tsv"])
def test_every_report_has_every_form(story, name, form):
    ran = story.type(*REPORTS[name], "-O", form)
    assert ran.out.endswith("\n")
    assert ran.err == ""


def test_the_columns_of_csv_are_there_without_rows_too(books):
    assert books.type("bal", "-O", "csv").out == "customer,account,credits,as_of\n"


def test_every_report_tells_the_log_position_that_it_knew(story):
    assert story.type("bal", "-O", "json").document["position"] == 7
    assert "\nlog position 7\n" in story.type("bal").out


def test_tsv_separates_by_tabs(story):
    header, first, *_ = story.type("bal", "-O", "tsv").out.splitlines()
    assert header.split("\t") == ["customer", "account", "credits", "as_of"]
    assert first.split("\t")[2] == "348.6"


def test_a_reference_that_looks_like_a_formula_is_harmless_in_csv_and_whole_in_json(story):
    assert "'=1+1" in story.type("reg", "-O", "csv").out
    assert story.rows("reg")[2]["reference"] == "=1+1"


@pytest.mark.parametrize(
    ("name", "start"),
    [("b.json", "{"), ("b.csv", "customer,"), ("b.TSV", "customer\t"), ("b.txt", "customer  ")],
)
def test_the_ending_of_a_file_tells_the_form(story, tmp_path, name, start):
    ran = story.type("bal", "-o", str(tmp_path / name))
    assert (ran.status, ran.out) == (0, "")
    assert (tmp_path / name).read_text().startswith(start)


def test_a_form_that_is_asked_for_wins_over_the_ending(story, tmp_path):
    story.type("bal", "-O", "csv", "-o", str(tmp_path / "b.json"))
    assert (tmp_path / "b.json").read_text().startswith("customer,")


def test_a_file_that_cannot_be_written_is_one_line(story, tmp_path):
    ran = story.type("bal", "-o", str(tmp_path / "none" / "b.csv"))
    assert (ran.status, ran.out) == (2, "")
    assert "found that it cannot be (No such file or directory)" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_an_unknown_form_is_misuse(story):
    ran = story.type("bal", "-O", "xml")
    assert ran.status == 2
    assert len(ran.err.splitlines()) == 1


def test_a_misused_option_names_the_help_to_read(story):
    ran = story.type("reg", "-p", "2026-10", "-b", "2026-10-01")
    assert ran.status == 2
    assert "-p cannot be combined with -b or -e; try `sms-ledger reg --help`" in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ["bal", "sms-none-1"],
        ["bal", "sms-none-1", "--as-of", "2026-10-01"],
        ["reg", "sms-none-1"],
        ["stmt", "sms-none-1"],
        ["recon", "run", "sms-none-1"],
        ["recon", "show", "sms-none-1"],
    ],
)
def test_an_unknown_account_is_misuse_in_every_report(story, words):
    ran = story.type(*words)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("sms-ledger: unknown account 'sms-none-1'")


@pytest.mark.parametrize(
    "words",
    [
        ["bal", "--as-of", "yesterday"],
        ["bal", "--as-of", "2026-10-31T18:00:00"],
        ["reg", "-b", "2026-02-30"],
        ["reg", "-e", "9999-12-31"],
        ["reg", "-p", "2026-13"],
        ["stmt"],
        ["audit", "show", "0"],
        ["audit", "show", "one"],
    ],
)
def test_malformed_words_are_misuse_in_one_line(story, words):
    ran = story.type(*words)
    assert (ran.status, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1


def test_an_option_may_come_from_the_environment(story, monkeypatch):
    monkeypatch.setenv("SMS_LEDGER_BAL_AS_OF", "2026-10-01")
    assert story.rows("bal")[0]["credits"] == "98.6"


def test_balances_of_some_accounts(story):
    rows = story.rows("bal", "sms-ab12345-2")
    assert rows == [
        {
            "customer": "ab12345-ovh",
            "account": "sms-ab12345-2",
            "credits": "10",
            "as_of": "2026-10-01T09:00:00+02:00",
        }
    ]


def test_a_balance_before_its_opening_is_unknown_and_a_note_says_so(story):
    ran = story.type("bal", "sms-ab12345-1", "--as-of", "2026-09-30", "-O", "json")
    assert ran.rows[0]["credits"] is None
    assert ran.document["notes"] == [
        "the balance of sms-ab12345-1 is known from 2026-10-01T09:00:00+02:00 on"
    ]
