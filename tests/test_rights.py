"""Rights: exactly the rules that the ledger needs, and what a key lacks or holds too much."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rigs import rig

from cli import login
from ledger.ovh import profiles
from ledger.ovh.rights import FEATURES, NEEDS, Rule, judge, rules_for

FIRST, SECOND = "sms-ab12345-1", "sms-ab12345-2"
LEAST = [
    "GET /auth/currentCredential",
    "GET /me",
    "GET /me/bill",
    "GET /me/bill/*",
    "GET /me/refund",
    "GET /me/refund/*",
    "GET /me/order/*",
    "GET /me/payment/method",
    "GET /me/payment/method/*",
    "GET /sms",
    "GET /sms/*",
]


def rule(text: str) -> Rule:
    method, _, path = text.partition(" ")
    return Rule(path, method)


def standings(*granted: str, **more) -> dict[str, str]:
    judged = judge([rule(text) for text in granted], **more)
    return {f"{one.method} {one.path}": one.standing for one in judged}


# --- one rule over another -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ("GET /sms/*", "GET /sms/sms-a-1", True),
        ("GET /sms/*", "GET /sms/*/outgoing", True),
        ("GET /sms/*", "GET /sms", False),
        ("GET /sms", "GET /sms/*", False),
        ("GET /sms/", "GET /sms", False),
        ("GET /*", "GET /me/bill/*", True),
        ("GET *", "GET /me", True),
        ("GET /sms/*/outgoing", "GET /sms/sms-a-1/outgoing", True),
        ("GET /sms/*/outgoing", "GET /sms/*", False),
        ("GET /sms/sms-a-1/*", "GET /sms/*/outgoing", False),
        ("POST /sms/*", "GET /sms/*", False),
        ("GET /me/bill.*", "GET /me/billx1", False),
    ],
)
def test_a_rule_covers_what_its_star_may_stand_for(wide, narrow, covered):
    assert rule(wide).covers(rule(narrow)) is covered


PATHS = st.text("a/*", min_size=1, max_size=6)
TEXTS = st.lists(st.text("a/b", max_size=3), min_size=6, max_size=6)


@settings(max_examples=60, deadline=None)
@given(PATHS, PATHS, TEXTS)
def test_what_a_covered_rule_grants_its_cover_grants_too(wide, narrow, texts):
    """Fill each star with some text: a cover must take every call that comes of it."""
    one, other = Rule(wide, "GET"), Rule(narrow, "GET")
    if one.covers(other):
        parts = narrow.split("*")
        call = parts[0] + "".join(
            text + part for text, part in zip(texts, parts[1:], strict=False)
        )
        assert one.covers(Rule(call, "GET"))


# --- what is asked for ---------------------------------------------------------------------


def test_a_key_to_read_is_asked_for_with_eleven_rules():
    assert [str(one) for one, _ in rules_for()] == LEAST


def test_what_the_books_do_not_need_is_asked_for_by_name_only():
    asked = {name: {str(one) for one, _ in rules_for([name])} for name in FEATURES}
    assert {name: rules - set(LEAST) for name, rules in asked.items()} == {
        "transfers": {"POST /sms/*/transferCredits"},
        "recharge": {"PUT /sms/*"},
        "quotes": {"POST /sms/estimate", "GET /order/sms/*/credits"},
        "logs": {"GET /me/api/logs/self", "GET /me/api/logs/self/*"},
    }


def test_a_key_for_one_account_reaches_no_other():
    asked = [one for one, _ in rules_for(FEATURES, [FIRST])]
    assert rule(f"PUT /sms/{FIRST}") in asked
    assert not any(one.covers(rule(f"GET /sms/{SECOND}/outgoing")) for one in asked)
    assert not any(one.covers(rule(f"GET /sms/{FIRST}/phonebooks")) for one in asked)


def grant(made, rules: list[str], name: str = "key") -> None:
    """Write a profile with a key that has these rules and no other."""
    keys = made.ovh.do("grant", rules=";".join(rules))
    lines = [f"[{name}]", f"endpoint_url = {made.ovh.url}", "requests_per_minute = 0"]
    lines += [f"{key} = {text}" for key, text in keys.items()]
    made.conf.write_text("\n".join([made.conf.read_text(), *lines, ""]))


@pytest.fixture
def small(sqlite, tmp_path: Path):
    with rig(tmp_path, store=sqlite) as made:
        yield made


@pytest.mark.parametrize("accounts", [[], [FIRST, SECOND]], ids=["all", "named"])
def test_with_these_rules_a_synchronisation_reads_all_there_is(small, accounts):
    small.ovh.do("hlr")
    small.ovh.do("reply")
    grant(small, [str(one) for one, _ in rules_for([], accounts)])
    ran = small.sl("sync", profile="key")
    assert (ran.status, "note:" in ran.err) == (0, False), ran
    assert small.balances() == small.owned()


def test_none_of_them_can_be_spared(small):
    small.ovh.do("refund", account=FIRST, credits=0)
    for number, without in enumerate(LEAST[1:]):
        grant(small, [text for text in LEAST if text != without], f"key-{number}")
        # orders are asked for only where a recharge is recorded
        dry = [] if "order" in without else ["--dry-run"]
        ran = small.sl("sync", *dry, profile=f"key-{number}")
        assert without.removesuffix("*") in ran.err, ran


# --- what a key holds and lacks ------------------------------------------------------------


def test_the_rules_that_are_asked_for_are_needed_and_enough():
    assert set(standings(*LEAST).values()) == {"needed"}


def test_what_no_call_needs_is_more_than_needed():
    found = standings(*LEAST, "GET /*", "POST /sms/*/jobs", "DELETE /sms/*")
    assert {text for text, standing in found.items() if standing == "more"} == {
        "GET /*", "POST /sms/*/jobs", "DELETE /sms/*",
    }  # fmt: skip


def test_a_rule_for_a_feature_is_no_excess():
    found = standings(*LEAST, f"PUT /sms/{FIRST}", "POST /sms/*/transferCredits")
    assert found[f"PUT /sms/{FIRST}"] == "recharge"
    assert found["POST /sms/*/transferCredits"] == "transfers"


def test_a_feature_that_is_asked_for_is_missing_until_it_is_granted():
    assert standings(*LEAST, features=["recharge"])["PUT /sms/*"] == "missing"
    assert "PUT /sms/*" not in standings(*LEAST)


def test_a_star_alone_does_not_grant_the_list_itself():
    assert standings(*(text for text in LEAST if text != "GET /sms"))["GET /sms"] == "missing"


def test_what_the_ledger_can_do_without_is_optional():
    found = standings(*(text for text in LEAST if "payment" not in text))
    assert found["GET /me/payment/method"] == "optional"


def test_an_account_that_the_key_does_not_reach_is_named():
    rules = [str(one) for one, _ in rules_for([], [FIRST])]
    lacking = {
        text
        for text, of in standings(*rules, services=[FIRST, SECOND]).items()
        if of == "missing"
    }
    assert f"GET /sms/{SECOND}/outgoing" in lacking
    assert all(SECOND in text for text in lacking)


def test_every_call_has_its_name_in_iam_but_the_key_itself():
    assert [need.pattern for need in NEEDS if not need.action] == ["/auth/currentCredential"]


def test_the_choices_of_the_command_are_those_of_the_library():
    assert login.ENDPOINTS == profiles.ENDPOINTS
    assert login.FEATURES == FEATURES
