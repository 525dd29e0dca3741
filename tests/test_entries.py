"""Entries for the customer's own books: written out by hand, balanced to the cent."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest

from cli.forms.fec import FIELDS

ONE, TWO = "sms-ab12345-1", "sms-ab12345-2"
NAME = "ab12345-ovh"

# Half of the VAT is got back: b-1 costs 4.20 + 0.46, and 40 of its 100 credits cost 1.86.
STORY = f"""
    customer {NAME} Europe/Paris FR
    account {TWO}
    2026-09-01 08:00 opening 0
    account {ONE}
    2026-09-01 08:00 opening 0
    2026-09-10 09:00 purchase 100 b-1 net=4.20 vat=0.92 bill=FR1
    2026-09-20 10:00 sms 40
    2026-10-01 10:00 sms 20
    2026-10-05 09:00 purchase 100 b-2 net=5.00 vat=1.00 bill=FR2 gift=10
    2026-10-07 09:00 transfer 40 {TWO} t-1
    2026-10-08 09:00 refund 20 r-1 FR2
    2026-10-09 09:00 adjustment -10 a-1
    account {TWO}
    2026-10-05 09:00 purchase 10 b-4 net=0.50 vat=0.10 bill=FR2
    2026-10-08 10:00 sms 60
    2026-11-02 09:00 purchase 100 b-3 net=5.00 vat=1.00 bill=FR3
"""


@pytest.fixture
def story(sqlite_books):
    sqlite_books.draw(STORY)
    sqlite_books.type("account", "vat", NAME, "--recoverable", "50", "--from", "2026-01-01")
    return sqlite_books


def booked(books, *words):
    return [
        (row["entry"], row["day"][5:], row["code"], row["account"][-1:], row["piece"],
         row["debit"], row["credit"])
        for row in books.rows("export", "entries", *words)
    ]  # fmt: skip


def test_invoices_go_into_prepaid_expenses_and_consumption_out_of_them(story):
    assert booked(story, "-p", "2026-09") == [
        (1, "09-10", "486", "1", "FR1", "4.66", None),
        (1, "09-10", "44566", "", "FR1", "0.46", None),
        (1, "09-10", "401", "", "FR1", None, "5.12"),
        (2, "09-30", "626", "1", f"{ONE} 2026-09", "1.86", None),
        (2, "09-30", "486", "1", f"{ONE} 2026-09", None, "1.86"),
    ]


def test_a_month_with_everything_in_it(story):
    """A credit of b-2 costs 0.055; the refund takes its gift of 10 first, at no cost."""
    assert booked(story, "-p", "2026-10") == [
        (1, "10-05", "486", "1", "FR2", "5.50", None),
        (1, "10-05", "486", "2", "FR2", "0.55", None),
        (1, "10-05", "44566", "", "FR2", "0.55", None),
        (1, "10-05", "401", "", "FR2", None, "6.60"),
        (2, "10-07", "486", "2", "t-1", "1.86", None),
        (2, "10-07", "486", "1", "t-1", None, "1.86"),
        (3, "10-08", "401", "", "FR2", "0.60", None),
        (3, "10-08", "486", "1", "FR2", None, "0.55"),
        (3, "10-08", "44566", "", "FR2", None, "0.05"),
        (4, "10-09", "658", "1", "a-1", "0.55", None),
        (4, "10-09", "486", "1", "a-1", None, "0.55"),
        (5, "10-31", "626", "1", f"{ONE} 2026-10", "0.94", None),
        (5, "10-31", "486", "1", f"{ONE} 2026-10", None, "0.94"),
        (6, "10-31", "626", "2", f"{TWO} 2026-10", "2.41", None),
        (6, "10-31", "486", "2", f"{TWO} 2026-10", None, "2.41"),
    ]  # fmt: skip
    ran = story.type("export", "entries", "-p", "2026-10")
    assert f"{TWO}: movements of 10 credits in 2026-10 are of unknown cost" in ran.err


def test_what_is_covered_later_is_expensed_when_it_is_covered(story):
    rows = story.rows("export", "entries", "-p", "2026-11")
    assert [(row["kind"], row["code"], row["debit"], row["credit"]) for row in rows][3:] == [
        ("covered", "626", "0.55", None),
        ("covered", "486", None, "0.55"),
    ]


def test_every_entry_balances_and_prepaid_is_the_value(story):
    """From the first month on, month by month and all at once."""
    rows = story.rows("export", "entries", "-p", "2026")
    assert balances(rows) == {}
    monthly = [
        row
        for month in ("2026-09", "2026-10", "2026-11")
        for row in story.rows("export", "entries", "-p", month)
    ]
    assert [{**row, "entry": 0} for row in monthly] == [{**row, "entry": 0} for row in rows]
    numbers = [row["entry"] for row in rows]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, numbers[-1] + 1))
    value = sum(Decimal(row["value"]) for row in story.rows("value"))
    assert prepaid(rows) == value


def signed(row):
    return Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0)


def balances(rows):
    sums = defaultdict(Decimal)
    for row in rows:
        sums[row["customer"], row["entry"], row["currency"]] += signed(row)
    return {key: total for key, total in sums.items() if total}


def prepaid(rows):
    return sum(signed(row) for row in rows if row["code"] in {"486", "SP.A.D"})


def test_an_opening_and_a_transfer_of_what_was_not_there_yet(sqlite_books):
    sqlite_books.draw(f"""
        customer {NAME} Europe/Rome IT
        account {TWO}
        2026-10-01 08:00 opening 0
        account {ONE}
        2026-09-10 09:00 purchase 100 b-1 net=4.20 bill=IT1
        2026-10-01 08:00 opening 50
        2026-10-02 09:00 transfer 60 {TWO} t-1
        2026-11-02 09:00 purchase 100 b-2 net=5.00 bill=IT2
    """)
    assert booked(sqlite_books, "-p", "2026-10") == [
        (1, "10-01", "SP.A.D", "1", f"{ONE} 2026-10", "2.10", None),
        (1, "10-01", "APERTURA", "1", f"{ONE} 2026-10", None, "2.10"),
        (2, "10-02", "SP.A.D", "2", "t-1", "2.60", None),
        (2, "10-02", "SP.A.D", "1", "t-1", None, "2.10"),
        (2, "10-02", "SOSPESI", "", "t-1", None, "0.50"),
    ]
    assert booked(sqlite_books, "-p", "2026-11") == [
        (1, "11-02", "SP.A.D", "1", "IT2", "5.00", None),
        (1, "11-02", "SP.P.D.7", "", "IT2", None, "5.00"),
        (2, "11-30", "SOSPESI", "", f"{ONE} 2026-11", "0.50", None),
        (2, "11-30", "SP.A.D", "1", f"{ONE} 2026-11", None, "0.50"),
    ]
    ran = sqlite_books.type("export", "entries", "-p", "2026-11")
    assert "the document IT2 tells no VAT: its entry has none" in ran.err


# --- the shape of the FEC -------------------------------------------------------------------


def fec(books, *words):
    ran = books.type("export", "entries", "--format", "fec", *words)
    assert ran.status == 0, ran
    header, *lines = [line.split("\t") for line in ran.out.splitlines()]
    assert header == list(FIELDS)
    assert len(header) == 18
    return [dict(zip(header, line, strict=True)) for line in lines]


def test_lines_in_the_shape_of_the_fec(story):
    first, *others = fec(story, "-p", "2026-09")
    assert first == {
        "JournalCode": "SMS", "JournalLib": "Crédits SMS", "EcritureNum": "1",
        "EcritureDate": "20260910", "CompteNum": "486",
        "CompteLib": "Charges constatées d'avance", "CompAuxNum": "", "CompAuxLib": "",
        "PieceRef": "FR1", "PieceDate": "20260910", "EcritureLib": f"achat {ONE}",
        "Debit": "4,66", "Credit": "0,00", "EcritureLet": "", "DateLet": "", "ValidDate": "",
        "Montantdevise": "", "Idevise": "",
    }  # fmt: skip
    assert [line["EcritureNum"] for line in others] == ["1", "1", "2", "2"]


def test_fec_lines_are_those_of_the_table(story):
    rows = story.rows("export", "entries", "-p", "2026")
    for line, row in zip(fec(story, "-p", "2026"), rows, strict=True):
        assert Decimal(line["Debit"].replace(",", ".")) == Decimal(row["debit"] or 0)
        assert Decimal(line["Credit"].replace(",", ".")) == Decimal(row["credit"] or 0)
        assert (line["PieceRef"], line["CompteNum"]) == (row["piece"], row["code"])


def test_another_currency_is_told(sqlite_books):
    sqlite_books.draw(f"""
        customer {NAME}
        account {ONE}
        2026-10-01 08:00 opening 0
        2026-10-01 09:00 purchase 100 b-1 net=4.20 currency=GBP
    """)
    lines = fec(sqlite_books, "-p", "2026-10", "--lang", "it")
    assert [(line["Montantdevise"], line["Idevise"]) for line in lines] == [
        ("4,20", "GBP"), ("-4,20", "GBP"),
    ]  # fmt: skip
    assert lines[0]["JournalLib"] == "Crediti SMS"


def test_what_stands_in_another_currency_where_euros_belong_is_noted(sqlite_books):
    words = ("export", "entries", "-p", "2026-10", "--format", "fec")
    sqlite_books.draw(f"""
        customer {NAME}
        account {ONE}
        2026-10-01 08:00 opening 0
        2026-10-01 09:00 purchase 100 b-1 net=4.20 vat=0.92
    """)
    assert sqlite_books.type(*words).err == ""
    sqlite_books.draw("2026-10-02 09:00 purchase 100 b-2 net=4.20 vat=0.92 currency=GBP")
    assert "note: Debit and Credit of lines in GBP are in GBP, not in EUR" in (
        sqlite_books.type(*words).err
    )


def test_no_text_of_the_fec_is_a_formula_or_leaves_its_field(sqlite_books):
    sqlite_books.draw(f"""
        customer {NAME}
        account {ONE}
        2026-10-01 08:00 opening 0
        2026-10-01 09:00 purchase 100 b-1 net=4.20 bill=@IT1
    """)
    sqlite_books.type(
        "account", "entries", NAME, "--set", "prepaid=486 =cmd", "--from", "2026-01-01"
    )
    first, *_ = fec(sqlite_books, "-p", "2026-10")
    assert (first["PieceRef"], first["CompteLib"]) == ("'@IT1", "'=cmd")


def test_the_fec_is_of_one_customer(story):
    story.draw("customer cd67890-ovh\naccount sms-cd67890-1\n2026-10-01 08:00 opening 0"
               "\n2026-10-01 09:00 purchase 100 b-9 net=4.20")  # fmt: skip
    ran = story.type("export", "entries", "-p", "2026-10", "--format", "fec")
    assert (ran.status, ran.out) == (2, "")
    assert f"expected the entries of one customer, found 2: type --customer {NAME}" in ran.err
    assert fec(story, "-p", "2026-10", "--customer", "cd67890-ovh")[0]["CompteNum"] == "SP.A.D"


# --- forms ----------------------------------------------------------------------------------


def test_csv_is_asked_for_either_way(story, tmp_path):
    words = ("export", "entries", "-p", "2026-09")
    path = tmp_path / "r.csv"
    story.type(*words, "-o", str(path))
    out = story.type(*words, "--format", "csv").out
    assert out == story.type(*words, "-O", "csv").out == path.read_text()
    assert out.splitlines()[1] == (
        f"{NAME},1,2026-09-10,486,Charges constatées d'avance,{ONE},FR1,purchase,4.66,,EUR,,"
    )
    italian = story.type(*words, "--format", "csv", "--lang", "it").out.splitlines()
    assert italian[1].endswith(";FR1;acquisto;4,66;;EUR;;")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-p", "2026-10-05"), "expected whole months, found another period: type -p 2026-10"),
        ((), "expected whole months"),
        (("-b", "2026-10-01", "-e", "2026-10-31"), "expected whole months"),
        (("-b", "2026-10-02", "-e", "2026-11-01"), "expected whole months"),
        (("-p", "2026-10", "--customer", "no-ovh"), f"found 'no-ovh'; there is {NAME}"),
        (
            ("-p", "2026-10", "--format", "fec", "-O", "csv"),
            "--format cannot be combined",
        ),
        (("-p", "2026-10", "--format", "fec", "--bom"), "--bom is of CSV and TSV, found fec"),
    ],
)
def test_entries_that_cannot_be_are_refused_in_one_line(story, words, said):
    ran = story.type("export", "entries", *words)
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert said in ran.err


# --- the accounts ---------------------------------------------------------------------------


def set_to(books, *words):
    return books.type("account", "entries", NAME, *words)


def test_accounts_are_set_from_a_day_on_and_are_an_event(story):
    ran = set_to(
        story,
        "--set",
        "expense=6262 SMS clients",
        "--from",
        "2026-10-01",
        "--reason",
        "new",
    )
    assert ran.out == f"{NAME} uses expense 6262 in its entries; this is recorded\n"
    assert (
        "this was known"
        in set_to(story, "--set", "expense=6262 SMS clients", "--from", "2026-10-01").out
    )
    codes = {
        row["day"][:7]: row["code"]
        for row in story.rows("export", "entries", "-p", "2026")
        if row["kind"] == "consumption" and row["debit"]
    }
    assert codes == {"2026-09": "626", "2026-10": "6262"}
    (row,) = [row for row in story.rows("account", "entries") if row["actor"]]
    assert row == {
        "customer": NAME, "role": "expense", "code": "6262", "label": "SMS clients",
        "since": "2026-10-01T00:00:00+02:00", "actor": "tester",
    }  # fmt: skip
    (event,) = [
        row for row in story.rows("audit", "log") if row["kind"] == "entry-accounts-set"
    ]
    assert (event["actor"], event["reason"]) == ("tester", "new")


def test_said_again_of_one_day_the_last_one_holds(story):
    for code in ("1", "2"):
        set_to(story, "--set", f"vat={code} TVA", "--from", "2026-01-01")
    codes = {row["code"] for row in story.rows("export", "entries", "-p", "2026-09")}
    assert {"2", "1", "44566"} & codes == {"2"}


@pytest.mark.parametrize(
    ("zone", "subsidiary", "code"),
    [("Europe/Rome", "IT", "SP.A.D"), ("Europe/Paris", "FR", "486"),
     ("Europe/Paris", "", "486"),
     ("Europe/Rome", "FR", "486"), ("Europe/London", "GB", "PREPAID"),
     ("Europe/Oslo", "", "PREPAID")],
)  # fmt: skip
def test_shipped_accounts_follow_the_country(sqlite_books, zone, subsidiary, code):
    sqlite_books.draw(f"customer {NAME} {zone} {subsidiary}\naccount {ONE}")
    first, *_ = sqlite_books.rows("account", "entries", NAME)
    assert (first["role"], first["code"], first["since"]) == ("prepaid", code, None)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((NAME, "--set", "expense=626"), "expected ROLE=CODE LABEL like 'expense=626 SMS'"),
        ((NAME, "--set", "rent=613 Loyer"), "ROLE being one of prepaid, supplier, vat"),
        ((NAME, "--set", "expense=626 SMS"), "--set needs NICHANDLE and --from DATE"),
        ((NAME, "--from", "2026-01-01"), "--from and --reason are of what is set"),
        ((NAME, "--reason", "audit"), "--from and --reason are of what is set"),
        (("--set", "expense=626 SMS", "--from", "2026-01-01"), "--set needs NICHANDLE"),
        ((NAME, "--set", "expense=#1 SMS", "--from", "2026-01-01"),
         "expected the code of an account like 486 or 18.02, found '#1'"),
        ((NAME, "--set", "expense=626 a|b", "--from", "2026-01-01"),
         "expected a label of 1 to 80 characters without ; and |, found 'a|b'"),
        ((NAME, "--set", f"expense=626 {'x' * 81}", "--from", "2026-01-01"), "a label of 1"),
        ((NAME, "--set", "vat=1 A", "--set", "vat=2 B", "--from", "2026-01-01"),
         "expected one account for vat, found 2"),
        (("no-ovh", "--set", "vat=1 A", "--from", "2026-01-01"), "found 'no-ovh'"),
        (("no-ovh",), f"expected a customer of this ledger, found 'no-ovh'; there is {NAME}"),
    ],
)  # fmt: skip
def test_accounts_that_cannot_be_set_are_refused_in_one_line(story, words, said):
    before = story.table("SELECT COUNT(*) FROM event_log")
    ran = story.type("account", "entries", *words)
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert said in ran.err
    assert story.table("SELECT COUNT(*) FROM event_log") == before
