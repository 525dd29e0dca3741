"""Forms for spreadsheets and for paper: exact, harmless, the same whenever they are made."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook
from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError

from cli.forms import workbooks
from cli.forms.drawings import DRAWINGS
from cli.forms.files import binary
from cli.forms.labels import COLUMNS, LANGUAGES, TITLES, VALUES, Labels
from cli.forms.pages import as_page
from cli.forms.parts import Part, Unwritable
from cli.forms.separated import Separation, as_separated
from cli.forms.workbooks import write_workbook
from cli.forms.writing import writing_of
from cli.output import LANGUAGES as TYPED
from ledger.credits import Credits
from ledger.lots import DrawKind
from ledger.movements import MovementKind
from projections.lot_moves import MOVE_KINDS
from projections.report import Amount, Report

ONE, TWO, OTHER = "sms-ab12345-1", "sms-ab12345-2", "sms-cd67890-1"
HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://evil.invalid")']

STORY = f"""
    customer ab12345-ovh
    account {ONE}
    2026-10-01 08:00 opening 0
    2026-10-01 09:00 purchase 1000 =1+1 net=4200.00 bill=@IT1
    2026-10-01 09:30 gift 10 g-1
    2026-10-02 10:00 sms 99.425 tag=-x
    2026-11-02 10:00 sms 1
    account {TWO}
    2026-10-01 08:00 opening 5
    customer cd67890-ovh Europe/London
    account {OTHER}
    2026-10-01 08:00 opening 0
    2026-10-01 09:00 purchase 100 b-2 net=4.20 currency=GBP
    2026-10-01 09:30 purchase 50 b-3 net=2.00
"""

BOOK_REPORTS = {
    "stmt": ["stmt", ONE],
    "value": ["value"],
    "lots": ["lots"],
    "lots-draws": ["lots", "--draws"],
    "cost": ["cost", "--by", "tag"],
    "sheet": ["sheet", "-p", "2026-10"],
    "entries": ["export", "entries", "-p", "2026-10"],
    "account-entries": ["account", "entries"],
}


@pytest.fixture
def story(sqlite_books):
    return sqlite_books.draw(STORY)


@dataclass(frozen=True)
class Row:
    text: str
    at: datetime | None
    credits: Credits | None
    amount: Amount | None
    count: int


AT = datetime(2026, 10, 31, 18, tzinfo=ZoneInfo("Europe/Rome"))


def part(*rows, **said):
    return Part("thing", Report(Row, 7, list(rows)), **said)


def booked(books, tmp_path, *words, name="report.xlsx"):
    path = tmp_path / name
    ran = books.type(*words, "-o", str(path))
    assert (ran.status, ran.out) == (0, ""), ran
    return load_workbook(path)


# --- XLSX -----------------------------------------------------------------------------------


def test_a_workbook_has_numbers_as_numbers_and_dates_as_dates(story, tmp_path):
    sheet = booked(story, tmp_path, "stmt", ONE).worksheets[0]
    header, *rows = sheet.iter_rows()
    titles = [cell.value for cell in header]
    assert titles[2] == "date of operation (Europe/Rome)"
    assert [cell.data_type for cell in rows[1]] == list("ssddsnnsnn")
    said = story.rows("stmt", ONE)
    assert len(rows) == len(said)
    for row, told in zip(rows, said, strict=True):
        assert row[2].value == datetime.fromisoformat(told["happened_at"]).replace(tzinfo=None)
        assert Decimal(str(row[5].value)) == Decimal(told["credits"])
        assert Decimal(str(row[6].value)) == Decimal(told["balance"])
    assert {row[6].number_format for row in rows} == {"#,##0.000"}
    assert sheet.freeze_panes == "A2"


@pytest.mark.parametrize("words", BOOK_REPORTS.values(), ids=BOOK_REPORTS)
def test_no_text_in_a_workbook_is_a_formula(story, tmp_path, words):
    book = booked(story, tmp_path, *words)
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    assert re.match(r"=SUM(IFS)?\([A-Z]+2:[A-Z]+\d+[),]", cell.value)
                if isinstance(cell.value, str) and cell.data_type == "s":
                    assert cell.quotePrefix or cell.value[:1] not in {*"=+-@"}


@pytest.mark.parametrize("text", HOSTILE)
def test_what_looks_like_a_formula_stays_text(text):
    book = load_workbook(written([part(Row(text, None, None, None, 0))]))
    cell = book.worksheets[0]["A2"]
    assert (cell.value, cell.data_type, cell.quotePrefix) == (text, "s", True)


def written(parts):
    file = io.BytesIO()
    write_workbook(file, parts, "thing", [], Labels("en"))
    file.seek(0)
    return file


def test_a_number_that_a_spreadsheet_would_round_is_text():
    exact = Credits.parse("123456789012.345")
    finer = Credits(1_234_567_890_123_456)
    rows = [Row("a", AT, exact, "-0.50", 1), Row("b", None, finer, None, 0)]
    (_, first, second) = load_workbook(written([part(*rows)])).worksheets[0].iter_rows()
    assert (first[2].data_type, Decimal(repr(first[2].value))) == (
        "n",
        exact.milli / Decimal(1000),
    )
    assert (second[2].data_type, second[2].value) == ("s", "1234567890123.456")
    assert (first[3].value, second[3].value) == (-0.5, None)


def test_times_of_several_zones_are_told_in_utc():
    london = datetime(2026, 10, 31, 18, tzinfo=ZoneInfo("Europe/London"))
    rows = [Row("a", AT, None, None, 0), Row("b", london, None, None, 0)]
    header, first, second = load_workbook(written([part(*rows)])).worksheets[0].iter_rows()
    assert header[1].value == "at (UTC)"
    assert [first[1].value.hour, second[1].value.hour] == [17, 18]


def test_totals_are_sums_of_the_cells_above_them(story, tmp_path):
    """Of a customer and a currency each: the cells that a formula adds come to its total."""
    sheet = booked(story, tmp_path, "value").worksheets[0]
    header, *rows = sheet.iter_rows()
    names = [cell.value for cell in header]
    account, value, currency = (
        names.index(name) for name in ("SMS account", "value", "currency")
    )
    lots = [row for row in rows if row[account].value != "total"]
    totals = [row for row in rows if row[account].value == "total"]
    assert len(totals) == 3
    assert totals[0][value].value == "=SUMIFS(G2:G6,A2:A6,A7)"
    assert totals[1][value].value == "=SUMIFS(G2:G6,A2:A6,A8,H2:H6,H8)"
    for total, shown in zip(
        totals, kept_values(tmp_path / "report.xlsx", len(lots)), strict=True
    ):
        of = [
            Decimal(str(row[value].value))
            for row in lots
            if row[0].value == total[0].value
            and row[value].value is not None
            and row[currency].value in {total[currency].value, None}
        ]
        assert sum(of) == Decimal(str(shown[value]))


def kept_values(path, skipped):
    sheet = load_workbook(path, data_only=True).worksheets[0]
    return list(sheet.iter_rows(min_row=skipped + 2, values_only=True))


def test_one_total_is_a_plain_sum(story, tmp_path):
    book = booked(story, tmp_path, "value", ONE)
    assert book.worksheets[0]["G4"].value == "=SUM(G2:G3)"


def test_a_workbook_says_what_it_knew(story, tmp_path):
    about = booked(story, tmp_path, "value", "--lang", "it")["Informazioni"]
    lines = [cell.value for (cell,) in about.iter_rows()]
    knew = story.type("bal", "-O", "json").document
    assert lines[:2] == ["Risconti attivi", f"posizione nel registro {knew['position']}"]
    assert knew["checkpoint"] in lines[2]
    assert lines[-1].startswith("nota: ")


def test_an_empty_report_is_an_empty_sheet(sqlite_books, tmp_path):
    book = booked(sqlite_books, tmp_path, "value")
    assert [cell.value for cell in book.worksheets[0][1]][:2] == ["customer", "SMS account"]
    assert book.worksheets[0].max_row == 1


def test_more_rows_than_a_sheet_holds_are_refused(story, tmp_path, monkeypatch):
    monkeypatch.setattr(workbooks, "MOST_ROWS", 4)
    path = tmp_path / "r.xlsx"
    ran = story.type("stmt", ONE, "-o", str(path))
    assert (ran.status, ran.out, path.exists()) == (2, "", False)
    assert "expected at most 3 rows for a sheet, found 6: type -O csv" in ran.err


def test_a_workbook_is_not_written_to_a_terminal(story, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdout", Terminal())
    with pytest.raises(Unwritable, match=r"type -o REPORT\.xlsx"), binary(None):
        pass


@pytest.mark.parametrize("form", ["xlsx", "html", "csv", "json"])
def test_equal_reports_make_equal_files(story, tmp_path, form):
    paths = [tmp_path / f"{number}.{form}" for number in (1, 2)]
    for path in paths:
        assert story.type("value", "-o", str(path)).status == 0
    assert paths[0].read_bytes() == paths[1].read_bytes()


# --- CSV ------------------------------------------------------------------------------------

NUMBERS = {"credits", "balance", "left", "value", "net", "cost", "unvalued", "vat", "left_cost",
           "debit", "credit", "prior_credits", "prior_net", "prior_cost"}  # fmt: skip


@pytest.mark.parametrize("language", ["it", "fr"])
@pytest.mark.parametrize("words", BOOK_REPORTS.values(), ids=BOOK_REPORTS)
def test_csv_of_a_language_has_the_numbers_of_json(story, tmp_path, language, words):
    """As a spreadsheet of that language reads it: semicolons, decimal commas, a mark."""
    path = tmp_path / "r.csv"
    assert story.type(*words, "--lang", language, "--bom", "-o", str(path)).status == 0
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    read = list(csv.reader(io.StringIO(path.read_text("utf-8-sig")), delimiter=";"))
    said = story.rows(*words)
    names = [name for name in said[0] if name not in {"lots"}]
    assert [title.partition(" (Europe")[0].partition(" (UTC")[0] for title in read[0]] == [
        Labels(language).column(name) for name in names
    ]
    for cells, told in zip(read[1:], said, strict=True):
        for name, cell in zip(names, cells, strict=True):
            if name in NUMBERS:
                expected = "" if told[name] is None else Decimal(told[name])
                assert (cell and number_of(cell)) == expected


def number_of(text):
    assert re.fullmatch(r"-?\d+(,\d+)?", text), text
    return Decimal(text.replace(",", "."))


def test_csv_of_a_language_names_kinds_and_times_as_a_spreadsheet_reads_them(story):
    out = story.type("stmt", ONE, "-O", "csv", "--lang", "it").out.splitlines()
    assert out[0] == (
        "cliente;conto SMS;data dell'operazione (Europe/Rome);"
        "data di registrazione (Europe/Rome);causale;crediti;saldo;riferimento;numero;"
        "mese di registrazione"
    )
    assert out[2].split(";")[2:8:2] == ["2026-10-01 09:00:00", "acquisto", "1000"]
    assert out[4].split(";")[4:7] == ["consumo SMS", "-99,425", "910,575"]


@pytest.mark.parametrize(
    ("words", "row"),
    [
        ((), f"ab12345-ovh,{ONE},909.575"),
        (("--decimal-mark", ","), f"ab12345-ovh;{ONE};909,575"),
        (("--decimal-mark", "."), f"ab12345-ovh,{ONE},909.575"),
        (("--bom",), f"ab12345-ovh,{ONE},909.575"),
    ],
)
def test_what_csv_separates_by(story, words, row):
    ran = story.type("bal", "-O", "csv", *words)
    assert ran.out.splitlines()[1].startswith(row)
    assert ran.out.startswith("\ufeff") == ("--bom" in words)


def test_said_otherwise_a_language_keeps_the_decimal_point(story):
    out = story.type("value", "-O", "csv", "--lang", "fr", "--decimal-mark", ".").out
    assert out.splitlines()[0].startswith("client,compte SMS,")


def test_tsv_keeps_its_tabs_beside_decimal_commas(story):
    out = story.type("bal", "-O", "tsv", "--decimal-mark", ",").out
    assert out.splitlines()[1].split("\t")[2] == "909,575"


def test_a_language_of_the_environment_never_changes_what_scripts_read(story, monkeypatch):
    before = [story.type("value", "-O", form).out for form in ("csv", "tsv", "json")]
    monkeypatch.setenv("SMS_LEDGER_LANG", "it")
    assert [story.type("value", "-O", form).out for form in ("csv", "tsv", "json")] == before
    assert "valuta" in story.type("value").out


@pytest.mark.parametrize("option", [("--decimal-mark", ","), ("--bom",)])
def test_how_csv_is_written_is_no_matter_of_other_forms(story, option):
    ran = story.type("bal", "-O", "json", *option)
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert f"{option[0]} is of CSV and TSV, found json: type -O csv" in ran.err


def test_a_negative_amount_of_money_is_a_number_in_csv():
    out = as_separated(part(Row("=x", None, Credits(-1), "-0.50", 1)), Separation())
    assert out.splitlines()[1] == "'=x,,-0.001,-0.50,1"


# --- languages ------------------------------------------------------------------------------


def test_the_command_line_offers_the_languages_that_there_are():
    assert TYPED == LANGUAGES


@pytest.mark.parametrize("words", BOOK_REPORTS.values(), ids=BOOK_REPORTS)
def test_every_column_and_kind_of_the_accountants_reports_has_its_words(story, words):
    (name,) = (name for name, of in BOOK_REPORTS.items() if of == words)
    assert name in TITLES
    for row in story.rows(*words):
        assert set(row) - {"lots"} <= set(COLUMNS)
        if "kind" in row:
            assert row["kind"] in VALUES


def test_every_part_of_a_sheet_has_its_words(story):
    document = story.type("sheet", "-p", "2026-10", "-O", "json").document
    for name in ("lots", "checks"):
        assert name in TITLES
        assert set(document[name][0]) <= set(COLUMNS)


def test_a_label_that_is_a_word_of_ours_elsewhere_is_never_translated(sqlite_books):
    sqlite_books.draw(f"""
        customer ab12345-ovh
        account {ONE}
        2026-10-01 08:00 opening 10
        2026-10-02 10:00 sms 1 tag=total
        2026-10-02 11:00 sms 1 tag=purchase
        2026-10-02 12:00 sms 1
    """)
    out = sqlite_books.type("cost", "--by", "tag", "--lang", "it").out
    assert re.findall(r"^2026-10 +(\S+)", out, re.MULTILINE) == [
        "(nessuno)",
        "purchase",
        "total",
    ]


def test_every_kind_of_movement_lot_and_draw_has_its_words():
    beside = ("opening", "brought-forward", "closing", "uncovered", "transfer", "total")
    of_movements = {kind for kinds in get_args(MovementKind) for kind in get_args(kinds)}
    assert {*of_movements, *get_args(DrawKind), *MOVE_KINDS, *beside} <= set(VALUES)


@pytest.mark.parametrize("catalogue", [COLUMNS, VALUES, TITLES])
def test_no_word_is_empty_and_titles_fit_on_a_tab(catalogue):
    for words in catalogue.values():
        assert all(word.strip() for word in words)
        if catalogue is TITLES:
            assert all(
                len(word) <= 31 and not re.search(r"[\[\]:*?/\\]", word) for word in words
            )


@pytest.mark.parametrize(
    ("language", "shown"),
    [(None, "-1234567.80"), ("it", "-1.234.567,80"), ("en", "-1,234,567.80"),
     ("fr", "-1\u202f234\u202f567,80")],
)  # fmt: skip
def test_numbers_as_a_language_writes_them(language, shown):
    assert writing_of(language).number("-1234567.80") == shown
    assert writing_of(language).number("123") == "123"


def test_a_table_in_italian(story):
    out = story.type("value", ONE, "--lang", "it").out
    assert out.splitlines()[:5] == [
        "conto SMS      lotto     data di acquisto     fattura  crediti residui    valore  "
        "valuta",
        f"{ONE}  =1+1      01/10/2026 09:00:00  @IT1             899,575  3.778,21  EUR",
        f"{ONE}  gift+g-1  01/10/2026 09:30:00                    10,000      0,00",
        "totale                                                         909,575  3.778,21  EUR",
        "posizione nel registro 13",
    ]


# --- HTML -----------------------------------------------------------------------------------


class Read(HTMLParser):
    """What of a page a browser would act on, and what it would show."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.references, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.references += [
            (name, value) for name, value in attrs
            if name in {"src", "href", "action", "srcset", "data"} or name.startswith("on")
        ]  # fmt: skip

    def handle_data(self, data):
        self.words.append(data)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "<b>&amp;",
        "</td></table>",
    ],
)
def test_a_page_shows_hostile_text_and_acts_on_none_of_it(text):
    rows = [Row(text, AT, Credits(-1_500), "1234.50", 1)]
    report = Report(Row, 7, rows, [f"note {text}"])
    page = Read(as_page([Part("thing", report)], text, [], Labels("it")))
    assert page.references == []
    assert not {"script", "img", "b", "link", "iframe"} & set(page.tags)
    assert page.words.count(text) == 3  # title, heading, cell
    assert "-1,5" in page.words
    assert "1.234,50" in page.words
    assert "31/10/2026 18:00:00" in page.words


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("words", BOOK_REPORTS.values(), ids=BOOK_REPORTS)
def test_a_page_of_every_report_stands_alone(story, tmp_path, words, language):
    path = tmp_path / "page.html"
    assert story.type(*words, "--lang", language, "-o", str(path)).status == 0
    text = path.read_text()
    page = Read(text)
    assert page.references == []
    assert "script" not in page.tags
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", text)
    assert f'<html lang="{language}">' in text
    assert any("checkpoint" in word or "contr" in word for word in page.words)


def test_a_page_of_nothing_says_so(sqlite_books):
    out = sqlite_books.type("value", "-O", "html", "--lang", "fr").out
    assert "<p>rien à afficher</p>" in out


def page(books, *words):
    ran = books.type(*words, "-O", "html")
    assert ran.status == 0, ran
    return ran.out


def test_a_page_says_whose_it_is_and_of_which_time(story):
    words = Read(page(story, "stmt", ONE, "-p", "2026-10", "--lang", "it")).words
    assert f"conto SMS: {ONE}" in words
    assert "periodo: 01/10/2026 – 31/10/2026" in words
    assert "as of 2026-10-31" in Read(page(story, "value", "--as-of", "2026-10-31")).words
    at_six = page(story, "value", "--as-of", "2026-10-31T18:00:00Z", "--lang", "fr")
    assert "à la date du 31/10/2026 18:00:00 UTC" in Read(at_six).words
    assert "period: 2026-10-02 – …" in Read(page(story, "stmt", ONE, "-b", "2026-10-02")).words


def shapes(text, tag, style):
    return re.findall(rf'<{tag} class="{style}"[^>]*>', text)


def test_a_statement_is_drawn_with_what_came_and_went(sqlite_books):
    sqlite_books.draw(f"""
        customer ab12345-ovh
        account {TWO}
        2026-10-01 08:00 opening 0
        account {ONE}
        2026-10-01 08:00 opening 0
        2026-10-01 09:00 purchase 100 b-1
        2026-10-02 09:00 recharge 100 b-2
        2026-10-03 09:00 transfer 50 {TWO} t-1
        2026-10-04 09:00 sms 200
    """)
    text = page(sqlite_books, "stmt", ONE, "--lang", "fr")
    for style in ("purchase", "recharge", "transfer"):
        assert len(shapes(text, "circle", style)) == 2, style  # one of them in the legend
    words = Read(text).words
    assert {"achat", "recharge automatique", "transfert", "-50", "200"} <= set(words)
    (points,) = re.findall(r'<polyline class="balance" points="([^"]+)"', text)
    heights = [float(point.split(",")[1]) for point in points.split()]
    assert min(heights) == 50.0  # 200 credits, at the top
    assert max(heights) == 200.0  # -50, at the bottom


def test_a_balance_that_is_not_known_is_not_drawn(sqlite_books):
    sqlite_books.draw(f"customer ab12345-ovh\naccount {ONE}\n2026-10-01 09:00 sms 1")
    assert "<svg" not in page(sqlite_books, "stmt", ONE)


def test_what_is_left_is_drawn_as_bars_of_its_length(story):
    text = page(story, "value", OTHER, "--lang", "it")
    widths = [float(width) for width in re.findall(r'class="bar"[^>]* width="([0-9.]+)"', text)]
    assert widths[0] == 2 * widths[1]
    assert f"{OTHER} · b-2" in Read(text).words
    assert "100 · 4,20 GBP" in Read(text).words


def test_thirty_bars_are_drawn_and_the_others_counted(sqlite_books):
    bought = [f"2026-10-01 09:{n:02d} purchase 1 lot-{n}" for n in range(33)]
    begun = [f"customer ab12345-ovh\naccount {ONE}", "2026-10-01 08:00 opening 0"]
    sqlite_books.draw("\n".join([*begun, *bought]))
    text = page(sqlite_books, "lots")
    assert len(shapes(text, "rect", "bar")) == 30
    assert "+ 3" in Read(text).words


def test_costs_are_drawn_month_by_month_where_they_are_of_one_currency(story):
    ours = ("--by", "tag", "--customer", "ab12345-ovh")
    drawn = Read(page(story, "cost", *ours, "--lang", "it")).words
    assert [word for word in drawn if word.endswith(" EUR")] == ["417,59 EUR", "4,20 EUR"]
    assert "<svg" not in page(story, "cost", *ours, "-p", "2026-10")  # a single bar


@dataclass(frozen=True)
class Lot:
    account: str
    lot: str
    bill: str | None
    left: Credits
    value: Amount | None
    currency: str | None


def test_a_hostile_name_is_drawn_as_text():
    row = Lot("<script>", "<b>", None, Credits(5), None, None)
    drawn = DRAWINGS["lots-left"]([row], Labels("en"))
    assert "&lt;script&gt; · &lt;b&gt;" in drawn
    assert "script" not in Read(drawn).tags


# --- files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "xlsx", "html", "json"])
def test_a_report_that_fails_leaves_the_file_as_it_was(story, tmp_path, monkeypatch, form):
    path = tmp_path / f"r.{form}"
    path.write_text("mine")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    ran = story.type("value", "-o", str(path))
    assert (ran.status, path.read_text()) == (2, "mine")
    assert "found that it cannot be (No space left on device)" in ran.err
    assert list(tmp_path.iterdir()) == [path]


def test_a_workbook_that_finds_no_room_says_what_the_system_said(story, tmp_path, monkeypatch):
    close = Workbook.close

    def full(book):
        close(book)
        raise FileCreateError(OSError(28, "No space left on device"))

    monkeypatch.setattr("xlsxwriter.Workbook.close", full)
    ran = story.type("value", "-o", str(tmp_path / "r.xlsx"))
    assert (ran.status, list(tmp_path.iterdir())) == (2, [])
    assert "found that it cannot be (No space left on device)" in ran.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("form", ["csv", "xlsx", "html"])
def test_a_full_disk_is_one_line(story, form):
    ran = story.type("value", "-O", form, "-o", "/dev/full")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.splitlines()[-1] == (
        "sms-ledger: expected to write /dev/full, found that it cannot be"
        " (No space left on device)"
    )


def test_a_file_keeps_its_rights_and_a_link_its_place(story, tmp_path):
    path, link = tmp_path / "r.csv", tmp_path / "link.csv"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    story.type("bal", "-o", str(link))
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.read_text().startswith("customer,")
    assert link.is_symlink()


def test_what_is_no_ordinary_file_is_written_as_it_comes(story):
    assert story.type("bal", "-o", "/dev/null").status == 0
    assert Path("/dev/null").exists()
    assert not Path("/dev/null").is_file()
