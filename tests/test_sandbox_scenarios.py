"""The scenarios: deterministic, quick, and in agreement with themselves."""

import ast
import hashlib
import os
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

from ledger.sandbox import World, moments, places, texts
from ledger.sandbox.amounts import CREDIT
from ledger.sandbox.exposed import is_personal, secrets
from ledger.sandbox.records import Account
from ledger.sandbox.scenario import SCENARIOS, UnknownScenario

ROOT = Path(__file__).parents[1]
NOW = moments.seconds("2026-11-20T10:00:00+01:00")
YOUNG = "sms-ab12345-3"

DUMP = """
import hashlib, sys
from ledger.sandbox import World
dump = World.from_scenario(sys.argv[1], 7, int(sys.argv[2])).dump()
print(hashlib.sha256(dump).hexdigest())
"""


@pytest.fixture(scope="module")
def world() -> World:
    return World.from_scenario("default", 1, NOW)


def digest(scenario: str, hash_seed: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", DUMP, scenario, str(NOW)],
        env=os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.strip()


@pytest.mark.parametrize("scenario", ["default", "busy"])
def test_the_same_seed_gives_the_same_history_byte_for_byte(scenario: str) -> None:
    here = hashlib.sha256(World.from_scenario(scenario, 7, NOW).dump()).hexdigest()
    assert digest(scenario, "1") == digest(scenario, "2") == here


def test_another_seed_gives_another_history() -> None:
    one, other = (World.from_scenario("small", seed, NOW).dump() for seed in (1, 2))
    assert one != other


def test_the_default_history_takes_less_than_a_second(world: World) -> None:
    began = time.process_time()
    World.from_scenario("default", 2, NOW)
    assert time.process_time() - began < 1
    assert 5_500 < sum(len(one.outgoing) for one in world.accounts.values()) < 7_000


def visible_spending(account: Account) -> int:
    """Add what the lists show: rows, replies, and a tenth for each lookup."""
    return (
        sum(row.milli for row in account.outgoing.values())
        + sum(job.milli for job in account.jobs.values())
        + sum(reply.milli for reply in account.incoming.values())
        + len(account.lookups) * CREDIT // 10
    )


def billed(world: World, account: Account) -> int:
    orders = [world.orders[bill.order] for bill in world.bills.values()]
    return sum(order.credits * CREDIT for order in orders if order.domain == account.name)


@pytest.mark.parametrize(
    ("scenario", "seed"),
    [("default", 1), ("default", 2), ("default", 3), ("small", 1), ("small", 2)],
)
def test_in_a_past_without_surprises_the_lists_explain_every_credit(
    scenario: str, seed: int
) -> None:
    world = World.from_scenario(scenario, seed, NOW)
    for account in world.accounts.values():
        before = account.movements.get("before-history", 0)
        explained = billed(world, account) + before - visible_spending(account)
        assert account.owned_milli == explained, account.name
        unseen = {"gift", "correction", "alert", "cleaning", "transfer-in", "transfer-out"}
        assert not unseen & account.movements.keys()


def test_the_young_account_began_with_nothing(world: World) -> None:
    young = world.accounts[YOUNG]
    assert young.created_at > world.retained_from
    assert "before-history" not in young.movements
    assert young.owned_milli == billed(world, young) - visible_spending(young)


def test_nothing_is_on_its_way_when_the_default_history_ends(world: World) -> None:
    for account in world.accounts.values():
        assert not account.jobs
        assert not account.recharges_in_flight
        assert all(batch.status == "COMPLETED" for batch in account.batches.values())
        assert all(row.created_at >= world.retained_from for row in account.outgoing.values())
        assert all(row.created_at < NOW for row in account.outgoing.values())


def test_the_default_past_has_a_bit_of_everything(world: World) -> None:
    accounts = world.accounts.values()
    assert {world.customers[one.customer].subsidiary for one in accounts} == {"IT", "FR"}
    assert any(one.smpp for one in accounts)
    assert any(one.held_milli for one in accounts)
    assert any(one.incoming for one in accounts)
    assert any(one.lookups for one in accounts)
    assert any(one.batches for one in accounts)
    assert any("recharge" in one.movements for one in accounts)
    rows = [row for one in accounts for row in one.outgoing.values()]
    assert any(row.deferred_min for row in rows)
    assert any(row.user for row in rows)
    assert any(row.message_id for row in rows)
    assert any(texts.counted(row.text).unicode for row in rows)
    assert any(row.parts > 1 for row in rows)
    assert {"sm", "re", "it", "fr", "in", "us"} <= {row.country for row in rows}
    assert any(is_personal(row.tag) for row in rows)
    assert any(row.receiver.startswith("3906698") for row in rows)


def test_the_busy_past_has_what_no_list_shows() -> None:
    world = World.from_scenario("busy", 1, NOW)
    kinds = {kind for one in world.accounts.values() for kind in one.movements}
    assert {"gift", "correction", "alert", "cleaning", "transfer-in", "transfer-out"} <= kinds
    assert any(one.gone for one in world.accounts.values())
    assert any(one.jobs for one in world.accounts.values())


def test_a_large_history_has_as_many_messages_as_asked() -> None:
    world = World.from_scenario("large", 1, NOW, messages=12_000)
    count = sum(len(one.outgoing) for one in world.accounts.values())
    assert 12_000 <= count < 13_500


def test_an_unknown_scenario_is_told_with_the_known_ones() -> None:
    with pytest.raises(UnknownScenario, match="small"):
        World.from_scenario("none", 1, NOW)
    assert set(SCENARIOS) == {"default", "busy", "small", "large"}


def test_secrets_hold_all_that_must_not_leak(world: World) -> None:
    found = secrets(world)
    row = next(iter(world.accounts[YOUNG].outgoing.values()))
    assert row.receiver in found["receivers"]
    assert row.message in found["texts"]
    assert "webshop" in found["logins"]
    assert "giulia.rossi@example.org" in found["personal_tags"]
    assert "promo-2026" not in found["personal_tags"]
    assert found["personal_logins"] == ["cassa3471234567"]
    keys = world.credential_of("ab12345-ovh")
    assert keys.application_secret in found["application_secrets"]
    assert found.pop("tokens") == []  # no service account has asked for one yet
    assert all(found.values())


def test_what_was_deleted_stays_a_secret() -> None:
    world = World.from_scenario("busy", 1, NOW)
    gone = world.accounts["sms-ab12345-1"].gone[0]
    assert gone.text
    assert any(gone.id != row.id for row in world.accounts["sms-ab12345-1"].gone[1:])
    assert texts.shown(gone.text, gone.id) in secrets(world)["texts"]


def test_the_sandbox_imports_nothing_of_the_ledger() -> None:
    for module in (ROOT / "ledger" / "sandbox").glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                foreign = name.split(".")[0] in {"ledger", "projections", "cli", "ovh"}
                assert not foreign or name.startswith("ledger.sandbox"), (module.name, name)


# --- places and texts


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+393471234567", "it"),
        ("00393471234567", "it"),
        ("+37866123456", "sm"),
        ("+390669812345", "it"),
        ("+33612345678", "fr"),
        ("+262692123456", "re"),
        ("+262639123456", "yt"),
        ("+12125551234", "us"),
        ("+14165551234", "ca"),
        ("+447400123456", "gb"),
        ("+919812345678", "in"),
    ],
)
def test_a_number_is_rated_as_its_country(number: str, country: str) -> None:
    digits = places.digits(number)
    assert digits is not None
    assert places.country(digits) == country


@pytest.mark.parametrize("number", ["3471234567", "+0393471234567", "+39 347", "", "abc"])
def test_what_is_no_international_number_is_none(number: str) -> None:
    assert places.digits(number) is None


def test_rates_are_multiples_of_a_twentieth_and_differ_by_billing_country() -> None:
    for billing in places.HOME_RATES:
        assert all(places.rate(billing, country) % 50 == 0 for country in places.PLACES)
    assert places.rate("fr", "it") == 1_100
    assert places.rate("it", "it") == 700
    assert places.rate("it", "in") == 400


@pytest.mark.parametrize(
    ("quantity", "unit"),
    [(100, "0.060"), (499, "0.060"), (500, "0.058"), (1_000, "0.055"), (1_000_000, "0.042")],
)
def test_a_pack_is_cheaper_from_its_least_quantity_on(quantity: int, unit: str) -> None:
    assert places.unit_price(quantity, "EUR") == Decimal(unit)


@pytest.mark.parametrize(
    ("text", "characters", "parts", "unicode"),
    [
        ("x" * 160, 160, 1, False),
        ("x" * 161, 161, 2, False),
        ("x" * 307, 307, 3, False),
        ("€" * 80, 160, 1, False),
        ("€" * 81, 162, 2, False),
        ("ж" * 70, 70, 1, True),
        ("ж" * 71, 71, 2, True),
        ("😀" * 36, 72, 2, True),
    ],
)
def test_a_text_is_counted_as_an_sms(
    text: str, characters: int, parts: int, unicode: bool
) -> None:
    count = texts.counted(text)
    assert (count.characters, count.parts, count.unicode) == (characters, parts, unicode)
