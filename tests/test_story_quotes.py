"""The guide on SMS credits, section by section: what a pack sends, at which price, how counted.

"100 credits let you send 142 SMS to Italy at 0.7 credit each, or 250 to India at 0.4."
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from books import Books
from rigs import Rig, events_of, rig

from ledger.database import parse_address
from ledger.errors import OvhBadAnswer
from ledger.events import Source, Stamp
from ledger.ovh.client import connect
from ledger.ovh.profiles import load_profile
from ledger.sandbox.action import CannotDo
from ledger.service import Ledger
from ledger.sync.rates import RatesUpdate

RATES = """\
billing_country,country,credits,valid_from
IT,IT,0.7,2022-08-05
IT,IN,0.1,2019-12-06
IT,IN,0.4,2022-08-05
IT,FR,1.25,2099-01-01
"""
PRICES = """\
billing_country,quantity_min,quantity_max,credit_price,currency,valid_from
IT,100,500,0.06,EUR,2022-08-05
IT,500,1000,0.058,EUR,2022-08-05
IT,2500,,0.042,EUR,2022-08-05
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Rates and prices as a person writes them down, in the folder where commands run."""
    (tmp_path / "rates.csv").write_text(RATES)
    (tmp_path / "prices.csv").write_text(PRICES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SMS_LEDGER_OVH_CONFIG", str(tmp_path / "none.conf"))
    return tmp_path


@pytest.fixture
def nobody(files: Path) -> Books:
    """Somebody without a ledger, a profile or a network."""
    return Books(str(files / "absent" / "ledger.db"))


def row(rows: list[dict[str, Any]], country: str) -> dict[str, Any]:
    (found,) = (one for one in rows if one["country"] == country)
    return found


# --- how many SMS does a pack send -----------------------------------------------------------


def test_100_credits_send_142_sms_to_italy_and_250_to_india(nobody: Books) -> None:
    rows = nobody.rows(
        "quote", "--credits", "100", "--rates", "rates.csv", "--to", "IT", "--to", "in"
    )
    assert [(r["country"], r["credits_per_sms"], r["sms_in_pack"]) for r in rows] == [
        ("IT", "0.7", 142),
        ("IN", "0.4", 250),
    ]
    assert [(r["encoding"], r["parts"], r["credits"]) for r in rows] == [
        (None, 1, "0.7"),
        (None, 1, "0.4"),
    ]
    assert {r["price_per_sms"] for r in rows} == {None}  # the file tells no prices


def test_the_smallest_pack_costs_6_euro_so_that_an_sms_to_italy_costs_4_2_cents(
    nobody: Books,
) -> None:
    """The guide of 2022 calls these 0.042 the price of a credit: they are that of one SMS."""
    found = row(
        nobody.rows("quote", "--pack", "100", "--rates", "rates.csv", "--rates", "prices.csv"),
        "IT",
    )
    assert (found["price_per_sms"], found["price_per_credit"], found["currency"]) == (
        "0.042",
        "0.06",
        "EUR",
    )
    assert Decimal(found["price_per_credit"]) * Decimal(found["pack_credits"]) == 6


def test_a_quote_needs_no_ledger_and_makes_none(nobody: Books, files: Path) -> None:
    ran = nobody.type("quote", "--credits", "100", "--rates", "rates.csv", "--to", "IT")
    assert (ran.status, ran.err) == (0, "")
    assert "142" in ran.out
    assert not (files / "absent").exists()


def test_a_quote_without_rates_makes_no_ledger_either(nobody: Books, files: Path) -> None:
    ran = nobody.type("quote", "--to", "IT", "--billing-country", "IT")
    assert (ran.status, ran.out) == (5, "")
    assert "type `sms-ledger rates update --billing-country IT --to IT`" in ran.err
    assert not (files / "absent").exists()


def test_prices_fall_with_the_quantity_bought_at_once(nobody: Books) -> None:
    both = ("--rates", "rates.csv", "--rates", "prices.csv", "--to", "IT")
    for quantity, price in (
        ("100", "0.042"), ("499", "0.042"), ("500", "0.0406"), ("2500", "0.0294"),
    ):  # fmt: skip
        found = nobody.rows("quote", "--credits", quantity, *both)[0]
        assert found["price_per_sms"] == price, quantity


def test_without_a_destination_all_are_quoted_that_have_a_rate(nobody: Books) -> None:
    rows = nobody.rows("quote", "--rates", "rates.csv")
    assert [(r["country"], r["sms_in_pack"]) for r in rows] == [("IN", 250), ("IT", 142)]


def test_a_quote_of_the_past_takes_the_rate_of_then(nobody: Books) -> None:
    for day, sms in (("2020-06-30", 1000), ("2022-08-04", 1000), ("2022-08-05", 250)):
        rows = nobody.rows("quote", "--rates", "rates.csv", "--to", "IN", "--as-of", day)
        assert rows[0]["sms_in_pack"] == sms, day


# --- for a text ------------------------------------------------------------------------------


def test_a_text_of_two_parts_is_sent_half_as_often(nobody: Books) -> None:
    asked = ("--rates", "rates.csv", "--rates", "prices.csv", "--to", "IT")
    found = nobody.rows("quote", *asked, "--text", "a" * 161)[0]
    assert (found["encoding"], found["parts"], found["credits"]) == ("7bits", 2, "1.4")
    assert (found["sms_in_pack"], found["price_per_sms"]) == (71, "0.084")


def test_the_character_that_forces_unicode_is_shown_and_what_it_costs(nobody: Books) -> None:
    text = "Dall’Italia: " + "a" * 100
    asked = ("quote", "--rates", "rates.csv", "--to", "IT", "--text", text)
    ran = nobody.type(*asked)
    assert ran.out.splitlines()[-5:] == [
        "100 credits, billed in IT; their price is not known (excluding VAT).",
        "The text: unicode, 113 characters, 2 parts.",
        '  ’ (RIGHT SINGLE QUOTATION MARK) at 5 forces Unicode; type "\'" instead',
        "Without them: 7bits, 113 characters, 1 part.",
        "log position 0",
    ]
    found = nobody.rows(*asked)[0]
    assert (found["parts_without"], found["credits_without"]) == (1, "0.7")
    assert found["foreign"] == [
        {
            "place": 5,
            "character": "’",
            "name": "RIGHT SINGLE QUOTATION MARK",
            "instead": "'",
        }
    ]


def test_many_foreign_characters_are_named_in_a_few_lines(nobody: Books) -> None:
    ran = nobody.type("quote", "--rates", "rates.csv", "--text", "Привет, мир! Привет!\x07")
    told = [line for line in ran.out.splitlines() if line.startswith("  ")]
    assert len(told) == 6
    assert "П (CYRILLIC CAPITAL LETTER PE) at 1, 14 forces Unicode" in told[0]
    assert told[-1] == "  and 3 more characters outside the GSM alphabet"


def test_a_marketing_message_has_room_for_149_characters(nobody: Books) -> None:
    asked = ("quote", "--rates", "rates.csv", "--to", "IT", "--marketing", "--text")
    assert [nobody.rows(*asked, "a" * size)[0]["parts"] for size in (149, 150)] == [1, 2]


# --- bad input -------------------------------------------------------------------------------

REFUSED = [
    (("--to", "XX"), 5, "expected a rate of XX for those billed in IT at .*, found none: add a"
     " row `IT,XX,…` to rates.csv"),
    (("--to", "FR"), 5, "expected a rate of FR .* found the first from 2099-01-01 on"),
    (("--to", "ITA"), 2, "expected a country of two letters like IT, found 'ITA'"),
    (("--rates", "prices.csv", "--credits", "1700"), 5, "expected a quantity that OVH sells,"
     " found 1700: type `--credits 999` or `--credits 2500`"),
    (("--pack", "300"), 5, "expected a pack that OVH sells, found 300: type `--pack 250` or"
     " `--pack 500`, or `--credits 300`"),
    (("--pack", "99"), 5, "found 99: type `--pack 100`, or"),
    (("--pack", "2000000"), 5, "found 2000000: type `--pack 1000000`, or"),
    (("--pack", "100", "--credits", "100"), 2, "--credits cannot be combined with --pack"),
    (("--credits", "0"), 2, "expected more than 0 credits, found '0'"),
    (("--credits", "0.0001"), 2, "at most three decimals"),
    (("--text", ""), 2, "expected a text to send, found an empty one"),
    (("--text", "ab\ud83d"), 2, r"found a lone surrogate U\+D83D as character 3"),
    (("--text", "a" * 919), 5, "expected a text of at most 6 parts"),
    (("--marketing",), 2, "add --text"),
    (("--verify",), 2, "add --text"),
    (("--billing-country", "FR"), 5, "expected rates of those billed in FR, found none: add a"
     " row `FR,FR,…` to rates.csv"),
    (("--rates", "absent.csv"), 2, "absent.csv cannot be read"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "status", "message"), REFUSED)
def test_what_cannot_be_quoted_is_refused_with_what_to_type_next(
    nobody: Books, words: tuple[str, ...], status: int, message: str
) -> None:
    ran = nobody.type("quote", "--rates", "rates.csv", *words)
    assert (ran.status, ran.out) == (status, "")
    assert re.search(message, ran.err), ran.err
    assert ran.err.count("\n") == 1


def test_a_bad_row_is_told_with_its_line_and_what_to_do(nobody: Books, files: Path) -> None:
    (files / "bad.csv").write_text(RATES + "IT,DE,2,30\n")
    ran = nobody.type("quote", "--rates", "bad.csv", "--to", "IT")
    assert (ran.status, ran.out) == (5, "")
    assert "bad.csv: line 6, column valid_from: expected a time like" in ran.err
    assert ran.err.endswith("; correct the file and ask again\n")


def test_a_file_of_two_billing_countries_asks_whose_rates_count(nobody: Books, files) -> None:
    (files / "two.csv").write_text(RATES + "FR,FR,1,2026-01-01\n")
    ran = nobody.type("quote", "--rates", "two.csv", "--to", "IT")
    assert ran.status == 2
    assert "found FR, IT: say whose rates count with `--billing-country` (FR or IT)" in ran.err
    assert (
        nobody.rows("quote", "--rates", "two.csv", "--billing-country", "fr")[0]["country"]
        == "FR"
    )


def test_fewer_credits_than_ovh_sells_have_no_price(nobody: Books) -> None:
    both = ("--rates", "rates.csv", "--rates", "prices.csv", "--to", "IT")
    found = nobody.rows("quote", "--credits", "50", *both)[0]
    assert (found["sms_in_pack"], found["price_per_sms"]) == (71, None)


# --- rates are kept, with their dates --------------------------------------------------------


def test_rates_of_a_file_are_recorded_once(books: Books, files: Path) -> None:
    ran = books.type("rates", "import", "rates.csv", "--reason", "from the guides")
    assert (ran.status, ran.out) == (0, "rates.csv: 4 rows, 4 recorded, 0 already known\n")
    assert books.type("rates", "import", "prices.csv").status == 0
    again = books.type("rates", "import", "rates.csv").out
    assert again == "rates.csv: 4 rows, 0 recorded, 4 already known\n"
    found = books.rows("quote", "--to", "IT")  # the only billing country there is
    assert (found[0]["sms_in_pack"], found[0]["price_per_sms"]) == (142, "0.042")
    shown = books.rows("rates", "show", "--to", "IN")
    assert [(r["credits"], r["valid_from"], r["source"]) for r in shown] == [
        ("0.4", "2022-08-05T00:00:00+02:00", "file")
    ]
    then = books.rows("rates", "show", "--as-of", "2020-01-01")
    assert [(r["country"], r["credits"]) for r in then] == [("IN", "0.1")]
    packs = books.rows("rates", "packs", "--billing-country", "IT")
    assert [(r["quantity_min"], r["quantity_max"], r["price_per_credit"]) for r in packs] == [
        (100, 500, "0.06"), (500, 1000, "0.058"), (2500, None, "0.042"),
    ]  # fmt: skip
    changes = books.rows("rates", "diff", "2021-01-01", "2023-01-01")
    assert [(r["item"], r["before"], r["after"]) for r in changes] == [
        ("IN", "0.1", "0.4"), ("IT", None, "0.7"), ("100–499", None, "0.06 EUR"),
        ("500–999", None, "0.058 EUR"), ("2500–", None, "0.042 EUR"),
    ]  # fmt: skip
    assert books.type("check", "--full").status == 0
    assert books.type("rebuild").status == 0


def test_a_bad_file_records_nothing(sqlite_books: Books, files: Path) -> None:
    books = sqlite_books
    (files / "bad.csv").write_text(RATES + "IT,DE,-1,2026-01-01\n")
    ran = books.type("rates", "import", "bad.csv")
    assert ran.status == 5
    assert "bad.csv: line 6, column credits: expected credits as digits" in ran.err
    assert books.rows("rates", "show") == []


def test_rates_of_a_country_that_nobody_recorded_are_refused(sqlite_books: Books) -> None:
    books = sqlite_books
    ran = books.type("rates", "show", "--billing-country", "PL")
    assert ran.status == 5
    assert "found none at all: type `sms-ledger rates update --billing-country PL`" in ran.err


def test_rates_outlive_a_move_to_another_database(books: Books, files: Path, sqlite) -> None:
    books.type("rates", "import", "rates.csv")
    assert books.type("dump", "whole.dump").status == 0
    other = Books(str(files / "moved.db"))
    assert other.type("load", "whole.dump").status == 0
    assert other.rows("rates", "show") == books.rows("rates", "show")


# --- read from OVH ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A sandbox, a profile, and a ledger that knows its accounts."""
    with rig(tmp_path_factory.mktemp("quotes"), "small") as one:
        one.sync()
        one.sl("rates", "update", "--to", "IT", "--to", "IN")
        yield one


def test_rates_read_from_ovh_hold_the_guides_figures(made: Rig) -> None:
    rows = made.sl("quote", "--credits", "100", "--to", "IT", "--to", "IN", "-O", "json").rows
    assert [(r["sms_in_pack"], r["price_per_sms"]) for r in rows] == [
        (142, "0.042"),
        (250, "0.024"),
    ]


def test_what_did_not_change_is_not_recorded_again(made: Rig) -> None:
    before = made.table("SELECT COUNT(*) FROM event_log")
    ran = made.sl("rates", "update", "--to", "IT", "--to", "IN")
    assert ran.out == "IT: 2 rates read, none changed; prices unchanged\n"
    # where OVH bills (/me, which is signed by its clock), two rates, the prices
    assert ran.err == "5 requests to OVH\n"
    assert made.table("SELECT COUNT(*) FROM event_log") == before


def test_a_changed_rate_is_recorded_with_its_date_and_shown_by_diff(made: Rig) -> None:
    made.ovh.do("rate", country="in", credits="2.15")
    ran = made.sl("rates", "update", "--to", "IN")
    assert ran.out == "IT: 1 rate read, 1 new or changed (IN); prices unchanged\n"
    (change,) = made.sl("rates", "diff", "-O", "json").rows
    assert (change["item"], change["before"], change["after"]) == ("IN", "0.4", "2.15")
    made.ovh.do("rate", country="in", credits="0.4")
    made.sl("rates", "update", "--to", "IN")


def test_a_destination_that_ovh_does_not_know_is_told(made: Rig) -> None:
    ran = made.sl("rates", "update", "--to", "XX", "--to", "IT")
    assert ran.status == 0
    assert "note: OVH gives no rate of XX for IT" in ran.err


def test_without_destinations_those_in_use_are_read(made: Rig) -> None:
    sent = {
        c for (c,) in made.table("SELECT value FROM monthly_total WHERE dimension='country'")
    }
    made.sl("rates", "update")
    known = {row["country"] for row in made.sl("rates", "show", "-O", "json").rows}
    assert known >= {c for c in sent if len(c) == 2 and c not in {"ZZ", "VA"}} | {"IT", "IN"}


def test_ovh_counts_a_text_as_the_ledger_does(made: Rig) -> None:
    for text in ("Ciao", "€" * 100, "ê" * 140, "😀" * 40, "a" * 300):
        for clause in ((), ("--marketing",)):
            ran = made.sl("quote", "--to", "IT", "--text", text, "--verify", *clause)
            assert (ran.status, "otherwise" in ran.out) == (0, False), (text, ran)


def test_a_difference_is_shown_and_is_a_finding(made: Rig) -> None:
    """153 € fill 306 places, but no pair may lie over the end of a part: 77 do not fit."""
    text = "€" * 153
    ran = made.sl("quote", "--to", "IT", "--text", text, "--verify")
    assert ran.status == 1
    assert "OVH counts otherwise: parts: OVH says 2, the ledger 3" in ran.out
    told = made.sl("quote", "--to", "IT", "--text", text, "--verify", "-O", "json")
    assert told.status == 1
    assert "parts: OVH says 2, the ledger 3" in told.err


def test_a_country_without_a_rate_says_how_to_read_it(made: Rig) -> None:
    ran = made.sl("quote", "--to", "JP")
    assert ran.status == 5
    assert "type `sms-ledger rates update --billing-country IT --to JP`" in ran.err


def test_a_country_that_ovh_gives_up_has_no_rate_from_then_on(made: Rig) -> None:
    made.sl("rates", "update", "--to", "PT")
    gone = {"match": "GET /sms/rates/destinations", "kind": "status", "status": 404}
    made.ovh.do("fault", **gone, times=1)
    ran = made.sl("rates", "update", "--to", "PT", "--to", "IT")
    assert ran.out == "IT: 1 rate read, 1 new or changed (PT); prices unchanged\n"
    (shown,) = made.sl("rates", "show", "--to", "PT", "-O", "json").rows
    assert shown["credits"] is None
    assert "found that OVH has sent none there since" in made.sl("quote", "--to", "PT").err
    assert "PT" not in {r["country"] for r in made.sl("quote", "-O", "json").rows}
    made.sl("rates", "update", "--to", "PT")


def test_a_refusal_that_does_not_name_the_country_ends_no_rate(made: Rig) -> None:
    made.sl("rates", "update", "--to", "PT")
    before = list(events_of(made.database))
    fault = {"match": "GET /sms/rates/destinations", "kind": "status", "status": 400}
    made.ovh.do("fault", **fault, times=1)
    ran = made.sl("rates", "update", "--to", "PT", "--to", "IT")
    assert (ran.status, "OVH answered 400" in ran.err) == (3, True), ran
    assert list(events_of(made.database)) == before


def test_rates_are_not_ended_where_ovh_knows_no_destination_at_all(made: Rig) -> None:
    made.sl("rates", "update", "--to", "PT")
    before = list(events_of(made.database))
    fault = {"match": "GET /sms/rates/destinations", "kind": "status", "status": 404}
    made.ovh.do("fault", **fault, times=2)
    ran = made.sl("rates", "update", "--to", "PT", "--to", "XX")
    made.ovh.do("clear-faults")
    assert ran.status == 5
    assert "found that OVH gives no rate of PT, XX for IT: nothing was recorded" in ran.err
    assert list(events_of(made.database)) == before


@pytest.mark.parametrize("answer", ["cheapest", "dearest"])
def test_an_answer_about_another_country_is_not_recorded(made: Rig, answer: str) -> None:
    before = made.table("SELECT COUNT(*) FROM event_log")
    made.ovh.do("knobs", knobs=f"rates_all={answer}")
    with (
        connect(load_profile(made.profiles[0], files=[made.conf], environ={})) as gateway,
        Ledger(parse_address(str(made.database))) as ledger,
        pytest.raises(OvhBadAnswer, match="expected the rate of ALL, found that of"),
    ):
        RatesUpdate(gateway, ledger, stamp=stamp).run("IT", ["ALL"])
    assert made.table("SELECT COUNT(*) FROM event_log") == before


def stamp(source: Source) -> Stamp:
    return Stamp(recorded_at=datetime.now(UTC), actor="t", command_id="t", source=source)


def test_every_country_can_be_read_and_what_ovh_does_not_know_is_left_out(made: Rig) -> None:
    ran = made.sl("rates", "update", "--all", "--billing-country", "PL")
    known = {
        row["country"]
        for row in made.sl("rates", "show", "--billing-country", "PL", "-O", "json").rows
    }
    assert ran.status == 0
    assert ran.out.startswith(f"PL: {len(known)} rates read, {len(known)} new or changed (AE, ")
    assert "note:" not in ran.err
    assert {"IT", "PL", "RU"} <= known
    tiers = made.sl("rates", "packs", "--billing-country", "PL", "-O", "json").rows
    assert (tiers[0]["price_per_credit"], tiers[0]["currency"]) == ("0.27", "PLN")


NOT_SOLD = "expected a country where OVH sells SMS (ES, FR, GB, IE, IT or PL), found US"


@pytest.mark.parametrize(
    "words",
    [
        ("quote", "--to", "IT"),
        ("rates", "update", "--to", "IT"),
        ("rates", "show"),
        ("rates", "diff"),
    ],
)
def test_a_billing_country_where_ovh_sells_no_sms_is_refused(
    sqlite_books: Books, words
) -> None:
    ran = sqlite_books.type(*words, "--billing-country", "us")
    assert (ran.status, ran.out) == (2, "")
    assert NOT_SOLD in ran.err


def test_a_file_of_such_rates_is_refused(sqlite_books: Books, files: Path) -> None:
    (files / "us.csv").write_text(RATES + "US,IT,1,2026-01-01\n")
    for words in (("rates", "import"), ("quote", "--to", "IT", "--rates")):
        ran = sqlite_books.type(*words, str(files / "us.csv"))
        assert (ran.status, ran.out) == (5, "")
        assert f"line 6, column billing_country: {NOT_SOLD}" in ran.err


def test_a_key_that_may_not_read_me_is_asked_for_the_billing_country(made: Rig) -> None:
    made.ovh.do("fault", match="GET /me", kind="iam")
    ran = made.sl("rates", "update", "--to", "IT")
    assert (ran.status, ran.out) == (2, "")
    assert "found no right to read /me: type `--billing-country CC`" in ran.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"country": "zz", "credits": "1"}, "no rate of 'zz' is known in 'it'"),
        ({"country": "in", "credits": "0"}, "a rate is above 0 credits"),
    ],
)
def test_the_sandbox_takes_no_rate_that_cannot_be(made: Rig, words, why: str) -> None:
    with pytest.raises(CannotDo, match=why):
        made.ovh.do("rate", **words)


def test_all_and_some_destinations_cannot_both_be_asked_for(made: Rig) -> None:
    ran = made.sl("rates", "update", "--all", "--to", "IT")
    assert ran.status == 2
    assert "--all cannot be combined with --to" in ran.err


# --- what an order would cost ----------------------------------------------------------------


def test_a_purchase_is_quoted_with_its_vat_and_not_ordered(made: Rig) -> None:
    account = next(iter(made.ovh.world.accounts))
    orders = len(made.ovh.world.orders)
    for quantity, figures in (
        (100, ("6.00", "1.32", "7.32")),
        (1000, ("55.00", "12.10", "67.10")),
    ):
        (found,) = made.sl("purchase", "quote", account, str(quantity), "-O", "json").rows
        assert (found["net"], found["tax"], found["gross"]) == figures
        assert (found["credits"], found["currency"]) == (quantity, "EUR")
    assert len(made.ovh.world.orders) == orders


def test_a_purchase_for_an_account_that_ovh_does_not_have_is_refused(made: Rig) -> None:
    ran = made.sl("purchase", "quote", "sms-nobody-1", "100")
    assert (ran.status, ran.out) == (3, "")
    assert "OVH answered 404" in ran.err


def test_a_key_without_the_right_to_quote_says_which_rule_to_add(made: Rig) -> None:
    made.ovh.do("fault", match="GET /order/sms/*/credits", kind="iam")
    ran = made.sl("purchase", "quote", "sms-ab12345-1", "100")
    assert ran.status == 3
    assert "add the rule `GET /order/sms/*/credits`" in ran.err


# --- rates that OVH did not keep to ----------------------------------------------------------


def test_messages_at_another_rate_than_the_known_one_are_a_rate_surprise(made: Rig) -> None:
    account = next(iter(made.ovh.world.accounts))
    made.ovh.do("rate", country="in", credits="2.15")
    made.ovh.do("send", account=account, country="in", count=3)
    made.ovh.do("rate", country="in", credits="0.4")
    (made.folder / "guide.csv").write_text(RATES)
    made.sl("rates", "import", str(made.folder / "guide.csv"))
    made.sync()
    (row,) = made.sl("recon", "run", account, "-O", "json").rows
    (line,) = (one for one in row["lines"] if one["reference"] == "IN")
    assert (row["status"], line["kind"]) == ("reconciled", "rate surprise")
    assert "3 messages to IN cost 6.45 credits" in line["text"]
    assert "give 1.2;" in line["text"]
