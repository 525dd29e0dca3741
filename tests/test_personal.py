"""Free text for the log: what looks like a number or an address of a person is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import phonenumbers
import pytest

from cli.session import Session
from ledger.errors import Refused
from ledger.events import FromOperator, Stamp
from ledger.personal import PersonalData, impersonal

NUMBERS = [
    "+39 333 1234567", "+39333.123.4567", "+39 (0)2 1234567", "+33612345678",
    "0033 6 12 34 56 78", "0039-333-1234567", "00393331234567", "+44 7700 900123",
    "333 123 4567", "3331234567", "333/1234567", "333.123 4567", "02 1234567",
    "06 12 34 56 78", "06.12.34.56.78", "06-12-34-56-78", "0612345678", "(06) 12 34 56 78",
    "06\u00a012\u00a034\u00a056\u00a078", "٠٦١٢٣٤٥٦٧٨", "0171 1234567", "020 7946 0958",
    "601 234 567", "612 34 56 78",
]  # fmt: skip

WORDS = [
    "", "moved in the panel by Anna", "ticket 4711", "CS1234567", "ticket 12345678",
    "2026-10-31", "31.10.2026", "03.11.2026", "03/11/2026", "03.11.26", "20261031",
    "2026-10-31T18:00:00+01:00", "from 2026-10-01 12:00:00 to 2026-10-31 12:00:00",
    "12000000 credits", "1 000 000 credits", "+12000000", "1,234,567.89", "100 000.50 EUR",
    "1.234,50 EUR of 31/10/2026", "3 x 100.00 EUR = 300.00 EUR", "0.5 EUR and 22% VAT",
    "bill FR12345678", "bill IT20261234567", "FR-2026-0000123", "2026/1234567",
    "order 234567890", "orders 221234567 and 221234568", "rows 234567890, 234567891",
    "sms-ab12345-1", "sms-ab12345-1/20261031T170000Z-12.5:2", "20261031T170000Z+1000.5",
    "t-5f0c1f6f6d6c", "t-333123456712", "550e8400-e29b-41d4-a716-333123456712",
    "3f2a33312345678b", "1234567890123456789012", "freephone 800 123456", "anna@home",
    "sms-ab12345-1@7",
]  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("said", ["{}", "call {} again", "Anna,{}.", "2026-10-31 {} 4711"])
def test_a_number_in_any_form_is_refused_and_not_shown(number, said):
    with pytest.raises(PersonalData) as refused:
        impersonal(said.format(number))
    told = str(refused.value)
    assert "found a telephone number (" in told
    assert "leave it out" in told
    assert number not in told
    shown = "".join(c for c in told if c.isdigit())
    assert len(shown) <= 2, "more of the number is shown than where it begins"


@pytest.mark.parametrize("mail", ["anna.rossi@example.org", "<a@b.fr>", "x+y@mail.example.it"])
def test_an_address_is_refused_and_not_shown(mail):
    with pytest.raises(PersonalData, match="found an e-mail address") as refused:
        impersonal(f"asked {mail} about it")
    assert mail.strip("<>") not in str(refused.value)


@pytest.mark.parametrize("text", WORDS)
def test_days_amounts_bills_orders_accounts_and_transfers_are_no_numbers(text):
    assert impersonal(text) == text


FORMATS = (
    phonenumbers.PhoneNumberFormat.E164,
    phonenumbers.PhoneNumberFormat.INTERNATIONAL,
    phonenumbers.PhoneNumberFormat.NATIONAL,
)


@pytest.mark.parametrize("region", ["IT", "FR", "BE", "CH", "DE", "FI", "GB", "IE", "MA", "NL"])
def test_mobile_numbers_as_a_country_writes_them_are_refused(region):
    chance = Random(f"numbers of {region}")
    kind = phonenumbers.PhoneNumberType.MOBILE
    example = phonenumbers.example_number_for_type(region, kind)
    assert example is not None
    tried = 0
    while tried < 10:
        number = phonenumbers.PhoneNumber()
        number.merge_from(example)
        number.national_number += chance.randrange(10_000)
        if phonenumbers.is_valid_number(number):
            tried += 1
            for form in FORMATS:
                with pytest.raises(PersonalData):
                    impersonal(f"asked {phonenumbers.format_number(number, form)} twice")


@pytest.mark.parametrize(
    "said", [{"reason": "call 06 12 34 56 78"}, {"actor": "anna.rossi@example.org"}]
)
def test_no_event_can_be_stamped_with_personal_data(said):
    stamp = {"actor": "anna", "reason": None, **said}
    with pytest.raises(PersonalData):
        Stamp(
            recorded_at=datetime(2026, 11, 1, tzinfo=UTC),
            command_id="c",
            source=FromOperator(),
            **stamp,
        )


NOTED = "call 06 12 34 56 78"
COMMANDS = [
    ["recon", "accept", "sms-ab12345-1/2026", "--reason", NOTED],
    ["recon", "accept", "sms-ab12345-1/2026", "--reason", "gift", "--owner", "0612345678"],
    ["recon", "adjust", "sms-ab12345-1/2026", "--reason", NOTED],
    ["recon", "assign", "sms-ab12345-1/2026", "anna@example.org"],
    ["recon", "note", "sms-ab12345-1/2026", NOTED],
    ["account", "close", "sms-ab12345-1", "--reason", NOTED],
    ["account", "opening", "sms-ab12345-1", "--cost", "1.00", "--reason", NOTED],
    ["account", "vat", "ab12345-ovh", "--recoverable", "0", "--from", "2026-01-01",
     "--reason", NOTED],
    ["close", "month", "2026-10", "--customer", "ab12345-ovh", "--reason", NOTED],
    ["close", "reopen", "2026-10", "--customer", "ab12345-ovh", "--reason", NOTED],
    ["import", "history.csv", "--reason", NOTED],
    ["rates", "import", "rates.csv", "--reason", NOTED],
    ["rates", "update", "--reason", NOTED],
    ["recharge", "set", "sms-ab12345-1", "--off", "--reason", NOTED],
    ["recharge", "rules", "state", "--since", "2027-01-01", "--document", NOTED],
    ["recharge", "rules", "state", "--since", "2027-01-01", "--document", "FAQ",
     "--reason", NOTED],
    ["transfer", "request", "sms-ab12345-1", "sms-ab12345-2", "1", "--reason", NOTED],
    ["transfer", "resolve", "t-5f0c1f6f6d6c", "--as", "sent", "--reason", NOTED],
    ["--actor", "anna@example.org", "recon", "note", "sms-ab12345-1/2026", "a gift"],
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words[:3]))
def test_no_command_takes_personal_data_into_the_log(sqlite_books, words):
    sqlite_books.draw("""
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-01 09:00 opening 100
        2026-10-02 09:00 saw 99
    """)
    before = sqlite_books.type("audit", "verify").out
    ran = sqlite_books.type(*words)
    assert (ran.status, ran.out) == (2, "")
    assert (
        "expected a text for the log, which is never erased, without personal data" in ran.err
    )
    assert "0612" not in ran.err
    assert "12 34" not in ran.err
    assert "anna@" not in ran.err
    assert sqlite_books.type("audit", "verify").out == before


def test_a_reason_that_is_searched_for_may_be_anything(sqlite_books):
    assert sqlite_books.type("audit", "log", "--reason", NOTED).status == 0


def test_a_system_user_whose_name_is_an_address_is_asked_for_another(monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "anna@corp.example.org")
    with pytest.raises(Refused, match=r"an\*\*@.*; type --actor NAME"):
        _ = Session().actor
