"""Rate surprises: what messages cost against parts × rate, with the rates of their time."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import pytest

from ledger.credits import Credits
from ledger.events import FromOvh, Rate, Stamp
from ledger.rates import see_rates
from ledger.service import Ledger, Work

HEADER = "billing_country,country,credits,valid_from\n"
OPENED = """
    customer ab12345-ovh Europe/Rome IT
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
"""


def surprises(books, folder, drawing: str, rates: str, owned: str):
    """Draw books and state rates; give how the account reconciles, and its surprises."""
    books.draw(f"{OPENED}{drawing}\n2026-10-30 09:00 saw {owned}")
    (folder / "rates.csv").write_text(HEADER + rates)
    assert books.type("rates", "import", str(folder / "rates.csv")).status == 0
    (row,) = books.rows("recon", "show")
    return row, [one for one in row["lines"] if one["kind"] == "rate surprise"]


@pytest.fixture
def stated(sqlite_books, tmp_path):
    return partial(surprises, sqlite_books, tmp_path)


def test_messages_that_cost_their_rate_are_no_surprise(stated):
    _, found = stated(
        "2026-10-02 09:00 sms 0.7 country=IT\n2026-10-03 09:00 sms 0.4 country=IN",
        "IT,IT,0.7,2022-08-05\nIT,IN,0.4,2022-08-05\n",
        "98.9",
    )
    assert found == []


def test_messages_that_cost_something_else_are_shown_by_country(stated):
    row, found = stated(
        "2026-10-02 09:00 sms 0.7 country=IT\n"
        "2026-10-03 09:00 sms 2.15 country=IN\n2026-10-05 23:30 sms 2.15 country=IN\n"
        "2026-10-06 09:00 sms 0.5 country=IT",
        "IT,IT,0.7,2022-08-05\nIT,IN,0.4,2022-08-05\n",
        "94.5",
    )
    assert row["status"] == "reconciled"  # OVH took what its rows say
    assert found == [
        {
            "kind": "rate surprise",
            "credits": "0",
            "text": "2 messages to IN cost 4.3 credits, where parts × the rate of those billed"
            " in IT give 0.8; from 2026-10-03 to 2026-10-05",
            "reference": "IN",
        },
        {
            "kind": "rate surprise",
            "credits": "0",
            "text": "1 message to IT cost 0.5 credits, where parts × the rate of those billed"
            " in IT give 0.7; on 2026-10-06",
            "reference": "IT",
        },
    ]


def test_a_message_is_held_against_the_rate_of_its_day(stated):
    _, found = stated(
        "2026-10-02 23:59 sms 0.4 country=IN\n2026-10-03 00:00 sms 2.15 country=IN\n"
        "2026-10-03 00:01 sms 0.4 country=IN",
        "IT,IN,0.4,2022-08-05\nIT,IN,2.15,2026-10-03\n",
        "97.05",
    )
    (one,) = found
    assert one["text"].startswith("1 message to IN cost 0.4 credits, where")
    assert one["text"].endswith("give 2.15; on 2026-10-03")


def test_what_has_no_known_rate_is_not_judged(stated):
    _, found = stated(
        "2026-10-02 09:00 sms 9 country=RU\n2026-10-02 09:01 sms 9\n"
        "2026-10-02 09:02 sms 9 country=IN\n2026-10-02 09:03 sms 0 country=IT\n"
        "2026-10-02 09:04 reply 9 country=IT",
        "IT,IN,0.4,2026-10-20\nIT,IT,0.7,2022-08-05\nFR,RU,1,2020-01-01\n",
        "64",
    )
    assert found == []


def test_a_corrected_message_is_held_against_what_it_costs_now(stated):
    _, found = stated(
        "2026-10-02 09:00 sms 1.4 country=IT\n2026-10-02 09:01 sms 1.4 country=IT\n"
        "2026-10-04 09:00 correct 1 0.7",
        "IT,IT,0.7,2022-08-05\n",
        "97.9",
    )
    assert [one["text"].split(",")[0] for one in found] == ["1 message to IT cost 1.4 credits"]


def test_messages_that_ovh_rated_anew_explain_the_difference(books, tmp_path):
    """OVH took 0.4 for each, and later what was missing: no row shows that."""
    row, found = surprises(
        books,
        tmp_path,
        "2026-10-02 09:00 sms 0.4 country=IN\n2026-10-02 09:01 sms 0.4 country=IN",
        "IT,IN,2.15,2022-08-05\n",
        "95.7",
    )
    assert (row["drift"], row["status"], row["residual"]) == ("-3.5", "explained", "0")
    assert found[0]["credits"] == "-3.5"


def test_without_a_billing_country_nothing_is_judged(sqlite_books, tmp_path):
    books = sqlite_books
    books.draw(
        OPENED.replace(" Europe/Rome IT", "")
        + "2026-10-02 09:00 sms 9 country=IT\n2026-10-03 09:00 saw 91"
    )
    (tmp_path / "rates.csv").write_text(HEADER + "IT,IT,0.7,2022-08-05\n")
    books.type("rates", "import", str(tmp_path / "rates.csv"))
    assert books.rows("recon", "show")[0]["lines"] == []


def test_a_rate_that_ovh_showed_later_may_have_begun_before_it_was_read(sqlite_books):
    """From the 2nd on 0.4, on the 20th OVH shows 2.15: between them either may have held."""
    books = sqlite_books
    books.draw(
        OPENED + "2026-10-03 09:00 sms 2.15 country=IN\n2026-10-04 09:00 sms 0.4 country=IN\n"
        "2026-10-05 09:00 sms 0.9 country=IN\n2026-10-21 09:00 sms 0.4 country=IN\n"
        "2026-10-30 09:00 saw 96.15"
    )
    read(books, "0.4", datetime(2026, 10, 2, tzinfo=UTC))
    read(books, "2.15", datetime(2026, 10, 20, tzinfo=UTC))
    (row,) = books.rows("recon", "show")
    (line,) = row["lines"]
    assert line["text"] == (
        "2 messages to IN cost 1.3 credits, where parts × the rate of those billed in IT give"
        " 2.55; from 2026-10-05 to 2026-10-21"
    )


def read(books, credits: str, at: datetime) -> None:
    """Record a rate of India as OVH showed it."""
    source = FromOvh("/sms/rates/destinations", at, None)
    stamp = Stamp(recorded_at=at, actor="t", command_id=f"c{at}", source=source)
    rate = Rate(country="IN", credits=Credits.parse(credits), price=None, vat_rate=None)

    def decide(work: Work) -> None:
        book = work.rates("IT")
        work.record(book, see_rates(book, [rate], stamp=stamp, at=at))

    with Ledger(books.address) as ledger:
        ledger.work(decide)


def test_each_part_of_a_message_is_held_against_the_rate(sqlite_books, tmp_path):
    """Parts come from OVH's `numberOfSms`, or from a file's column."""
    books = sqlite_books.draw("customer ab12345-ovh Europe/Rome IT\naccount sms-ab12345-1")
    (tmp_path / "rates.csv").write_text(HEADER + "IT,IT,0.7,2022-08-05\n")
    (tmp_path / "lines.csv").write_text(
        "customer,account,kind,id,happened_at,credits,country,parts\n"
        "ab12345-ovh,sms-ab12345-1,opening,,2026-10-01T00:00:00+02:00,100,,\n"
        "ab12345-ovh,sms-ab12345-1,consumption,1,2026-10-02T00:00:00+02:00,2.1,IT,3\n"
        "ab12345-ovh,sms-ab12345-1,consumption,2,2026-10-02T00:00:00+02:00,2.1,IT,2\n"
        "ab12345-ovh,sms-ab12345-1,consumption,3,2026-10-02T00:00:00+02:00,2.1,IT,\n"
    )
    for words in (("rates", "import", "rates.csv"), ("import", "lines.csv")):
        ran = books.type(*words[:-1], str(tmp_path / words[-1]))
        assert ran.status == 0, ran
    books.draw("account sms-ab12345-1\n2026-10-30 09:00 saw 93.7")
    (line,) = books.rows("recon", "show")[0]["lines"]
    assert line["text"].startswith("1 message to IT cost 2.1 credits, where")
    assert "give 1.4; on 2026-10-02" in line["text"]
