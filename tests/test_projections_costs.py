"""`cost`: credits used by month and dimension, which add up to the movements."""

from __future__ import annotations

from contextlib import closing

import pytest

import cli.cost
from ledger.database import connect
from projections.costs import Wanted, costs
from projections.moments import Period
from projections.month_sums import DIMENSIONS

STORY = """
    customer ab12345-ovh
    account sms-ab12345-1
    2026-09-30 08:00 opening 100
    2026-09-30 07:00 sms 50 tag=before
    2026-09-30 10:00 sms 1.4 tag=otp country=IT user=anna
    2026-10-01 00:30 sms 0.7 tag=promo country=FR batch=b-1
    2026-10-02 00:30 sms 2 tag=otp country=IT
    2026-10-02 01:00 hlr 0.1
    2026-10-02 09:00 recharge 250 bill-1
    2026-10-02 10:00 correct 4 1.5
    account sms-ab12345-2
    2026-10-01 09:00 opening 10
    2026-10-03 11:00 sms 1 tag=otp country=IT user=berta
    2026-10-02 11:00 transfer 5 sms-ab12345-1 t-1
    customer cd67890-ovh America/New_York
    account sms-cd67890-1
    2026-09-30 20:00 opening 20
    2026-09-30 22:00 sms 1
    2026-10-01 01:00 sms 2
"""


@pytest.fixture
def story(books):
    return books.draw(STORY)


def rows(books, *words):
    """What was used; `test_story_costs` is about what it cost."""
    return [tuple(row.values())[:5] for row in books.rows("cost", *words)]


OURS = ("--customer", "ab12345-ovh")
LATER = """
    customer ab12345-ovh
    account sms-ab12345-2
    2026-10-04 11:00 reply 1
"""


def test_every_dimension_of_a_month_adds_up_to_the_same(story):
    for dimension in DIMENSIONS:
        found = story.rows("cost", "--by", dimension, *OURS, "-p", "2026-10")
        assert sum(row["sms"] for row in found) == 4
        assert sum(round(1000 * float(row["credits"])) for row in found) == 3300


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        (
            "tag",
            [("2026-09", "otp", 1, "1.4"), ("2026-10", "(none)", 1, "0.1"),
             ("2026-10", "otp", 2, "2.5"), ("2026-10", "promo", 1, "0.7")],
        ),
        (
            "country",
            [("2026-09", "IT", 1, "1.4"), ("2026-10", "FR", 1, "0.7"),
             ("2026-10", "IT", 2, "2.5"), ("2026-10", "ZZ", 1, "0.1")],
        ),
        (
            "batch",
            [("2026-09", "(none)", 1, "1.4"), ("2026-10", "(none)", 3, "2.6"),
             ("2026-10", "b-1", 1, "0.7")],
        ),
        (
            "user",
            [("2026-09", "anna", 1, "1.4"), ("2026-10", "(none)", 3, "2.3"),
             ("2026-10", "berta", 1, "1")],
        ),
        (
            "kind",
            [("2026-09", "consumption", 1, "1.4"), ("2026-10", "consumption", 3, "3.7"),
             ("2026-10", "correction", 0, "-0.5"), ("2026-10", "hlr", 1, "0.1")],
        ),
    ],
)  # fmt: skip
def test_the_months_of_a_customer_by_each_dimension(story, dimension, expected):
    found = rows(story, "--by", dimension, *OURS)
    assert found == [("ab12345-ovh", *row) for row in expected]


def test_the_row_names_its_dimension(story):
    (row, *_) = story.rows("cost", "--by", "tag")
    assert list(row) == [
        "customer", "period", "tag", "sms", "credits", "net", "cost", "currency", "unvalued",
        "prior_credits", "prior_net", "prior_cost",
    ]  # fmt: skip


def test_the_kind_is_what_months_are_divided_by_unless_said_otherwise(story):
    assert rows(story) == rows(story, "--by", "kind")


def test_months_are_those_of_each_customer(story):
    assert rows(story, "--customer", "cd67890-ovh") == [
        ("cd67890-ovh", "2026-09", "consumption", 1, "1"),
        ("cd67890-ovh", "2026-10", "consumption", 1, "2"),
    ]


def test_accounts_and_customers_may_be_named(story):
    one = rows(story, "--account", "sms-ab12345-2")
    assert one == [("ab12345-ovh", "2026-10", "consumption", 1, "1")]
    both = rows(story, "--account", "sms-ab12345-2", "--account", "sms-cd67890-1")
    assert [row[0] for row in both] == ["ab12345-ovh", "cd67890-ovh", "cd67890-ovh"]
    assert rows(story, *OURS, "--customer", "cd67890-ovh") == rows(story)
    assert rows(story, *OURS, "--account", "sms-ab12345-2") == one


@pytest.mark.parametrize(
    ("words", "months"),
    [
        (("-p", "2026-09"), ["2026-09"]),
        (("-p", "2026-Q3"), ["2026-09"]),
        (("-b", "2026-10-01"), ["2026-10"]),
        (("-e", "2026-10-01"), ["2026-09"]),
        (("-b", "2026-09-01", "-e", "2026-11-01"), ["2026-09", "2026-10"]),
        (("-p", "2025"), []),
    ],
)
def test_a_period_chooses_whole_months(story, words, months):
    assert sorted({row[1] for row in rows(story, *OURS, *words)}) == months


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("-b", "2026-10-02"), "2026-10-02T00:00:00+02:00"),
        (("-p", "2026-10-05"), "2026-10-05T00:00:00+02:00"),
        (("-e", "2026-10-01T00:00:00+00:00"), "2026-10-01T02:00:00+02:00"),
    ],
)
def test_a_period_that_cuts_a_month_is_misuse(story, words, found):
    ran = story.type("cost", *OURS, *words)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == (
        f"sms-ledger: expected whole months, found a period that begins or ends at {found}:"
        " what is used is kept by month; type -p 2026-10, or -b 2026-10-01\n"
    )


def test_unknown_names_are_misuse(story):
    ran = story.type("cost", "--account", "sms-zz-9")
    assert (ran.status, "unknown account 'sms-zz-9'" in ran.err) == (2, True)
    ran = story.type("cost", "--customer", "zz-ovh")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == (
        "sms-ledger: expected a customer of these accounts, found 'zz-ovh'; there is"
        " ab12345-ovh, cd67890-ovh\n"
    )


def test_a_table_ends_with_a_total_for_each_customer(story):
    out = story.type("cost", "--by", "user", *OURS, "-p", "2026-10").out
    assert out.partition("checkpoint")[0] == (
        "period   user    sms  credits  net  currency  unvalued\n"
        "2026-10  (none)    3      2.3    ?                 2.3\n"
        "2026-10  berta     1      1.0    ?                 1.0\n"
        "total              4      3.3    ?                 3.3\n"
        "log position 19\n"
    )
    last = story.type("cost", "-p", "2026-10").out.splitlines()[-4:-1]
    assert last == [
        "ab12345-ovh  total                   4      3.3    ?                 3.3",
        "cd67890-ovh  total                   1      2.0    ?                 2.0",
        "log position 19",
    ]


def test_scripts_get_no_totals(story):
    ran = story.type("cost", "--by", "batch", *OURS, "-p", "2026-10", "-O", "csv")
    assert ran.out == (
        "customer,period,batch,sms,credits,net,cost,currency,unvalued,prior_credits,prior_net,"
        "prior_cost\n"
        "ab12345-ovh,2026-10,(none),3,2.6,,,,2.6,0,,\n"
        "ab12345-ovh,2026-10,b-1,1,0.7,,,,0.7,0,,\n"
    )


def test_an_empty_ledger_has_used_nothing(books):
    assert books.rows("cost") == []
    assert books.type("cost").out == "nothing to show\nlog position 0\n"


def test_the_command_names_the_dimensions_that_there_are():
    assert cli.cost.DIMENSIONS == DIMENSIONS


def test_what_was_used_is_known_as_soon_as_it_is_recorded(story):
    before = rows(story, *OURS, "-p", "2026-10")
    story.draw(LATER)
    assert rows(story, *OURS, "-p", "2026-10") == [
        *before, ("ab12345-ovh", "2026-10", "reply", 1, "1"),
    ]  # fmt: skip


def test_where_totals_cannot_be_written_it_says_how_far_they_are(sqlite_books):
    books = sqlite_books.draw(STORY)
    books.rows("cost")
    books.draw(LATER)
    with closing(connect(books.path, read_only=True)) as database:
        report = costs(database, Wanted("kind", Period()))
    assert report.position == 19
    assert report.notes == [
        f"what was recorded after log position 19, up to 20, is not in here yet: {books.path}"
        " is not writable; run `sms-ledger cost` once where it may be written"
    ]
    assert {row.kind for row in report.rows} == {"consumption", "correction", "hlr"}
