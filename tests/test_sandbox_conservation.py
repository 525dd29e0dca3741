"""Credits are neither made nor lost: what is owned is what came in less what went out."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.sandbox import Knobs, World, moments
from ledger.sandbox.action import CannotDo
from ledger.sandbox.clock import Clock
from ledger.sandbox.records import Account
from ledger.sandbox.refusals import Refusal
from ledger.sandbox.service import Service

NOW = moments.seconds("2026-11-20T10:00:00+01:00")
FIRST, SECOND = "sms-ab12345-1", "sms-ab12345-2"

accounts = st.sampled_from([FIRST, SECOND])
credits = st.decimals(min_value=0, max_value=80, places=3)
signed = st.decimals(min_value=-80, max_value=80, places=3)


def action(name: str, **parameters: Any) -> Any:
    return st.fixed_dictionaries(parameters).map(lambda given: (name, given))


ACTIONS = st.one_of(
    action(
        "send",
        account=st.just(SECOND),
        count=st.integers(1, 9),
        user=st.sampled_from(["", "webshop"]),
        deferred=st.sampled_from([0, 90]),
        receipt=st.sampled_from([1, 16]),
        country=st.sampled_from(["it", "fr", "in"]),
    ),
    action("send", account=accounts, count=st.integers(1, 30)),
    action("reply", account=accounts),
    action("hlr", account=accounts, count=st.integers(1, 5)),
    action("clean", account=accounts, contacts=st.integers(1, 200)),
    action("purchase", account=accounts, credits=st.sampled_from([100, 500])),
    action("panel-purchase", account=accounts),
    action("panel-transfer", source=st.just(FIRST), target=st.just(SECOND), credits=credits),
    action("gift", account=accounts, credits=credits),
    action("correction", account=accounts, credits=signed),
    action("delete-row", account=accounts),
    action("set-quota", account=st.just(SECOND), user=st.just("webshop"), credits=credits),
    action("set-quota", account=st.just(SECOND), user=st.just("webshop"), off=st.just(True)),
    action("set-alert", account=st.just(SECOND), user=st.just("webshop"), threshold=st.just(9)),
    action("set-recharge", account=accounts, threshold=st.just(50), amount=st.just(100)),
    action("cancel-job", account=accounts),
    action("refund", account=accounts),
    action("advance", by=st.sampled_from(["60", "3h", "2d"]), traffic=st.booleans()),
)


def fault(world: World, account: Account, before: tuple[int, dict[str, int]]) -> int:
    """Tell the thousandths that are there and in no book, since `before`."""
    owned, books = before
    moved = sum(account.movements.values()) - sum(books.values())
    return account.owned_milli - owned - moved


@settings(max_examples=40, deadline=None)
@given(
    actions=st.lists(ACTIONS, max_size=25),
    knobs=st.builds(
        Knobs,
        recharge_delay_s=st.sampled_from([0, 120]),
        recharge_in_flight=st.sampled_from(["one", "many"]),
        receipt_16=st.sampled_from(["kept", "refunded", "zeroed"]),
        alert_row=st.booleans(),
        batch_step_messages=st.sampled_from([7, 50]),
    ),
)
def test_owned_credits_are_what_came_in_less_what_went_out(
    actions: list[tuple[str, dict[str, Any]]], knobs: Knobs
) -> None:
    world = World.from_scenario("small", 1, NOW, knobs)
    service = Service(world, Clock(NOW, frozen=True))
    start = {
        name: (one.owned_milli, dict(one.movements)) for name, one in world.accounts.items()
    }
    total = sum(one.owned_milli for one in world.accounts.values())
    for name, parameters in actions:
        try:
            service.do(name, **parameters)
        except (Refusal, CannotDo):
            continue  # refused is fine; half done is not
        for account in world.accounts.values():
            assert fault(world, account, start[account.name]) == 0
            assert account.held_milli == sum(u.quota_milli for u in account.users.values())
            assert all(user.quota_milli >= 0 for user in account.users.values())
    inside = ("transfer-in", "transfer-out")
    moved = sum(
        sum(one.movements.get(kind, 0) - start[name][1].get(kind, 0) for kind in inside)
        for name, one in world.accounts.items()
    )
    assert moved == 0
    changed = sum(
        sum(one.movements.values()) - sum(start[name][1].values())
        for name, one in world.accounts.items()
    )
    assert sum(one.owned_milli for one in world.accounts.values()) == total + changed


@settings(max_examples=25, deadline=None)
@given(actions=st.lists(ACTIONS, max_size=20))
def test_rows_and_jobs_add_up_to_what_was_sent(
    actions: list[tuple[str, dict[str, Any]]],
) -> None:
    world = World.from_scenario("small", 2, NOW, Knobs(receipt_16="zeroed", alert_row=True))
    service = Service(world, Clock(NOW, frozen=True))
    for name, parameters in actions:
        try:
            service.do(name, **parameters)
        except (Refusal, CannotDo):
            continue
    for account in world.accounts.values():
        rows = [*account.outgoing.values(), *account.jobs.values(), *account.gone]
        books = account.movements
        spent = -books.get("sent", 0) - books.get("not-billed", 0)
        assert sum(row.milli for row in rows) == spent
