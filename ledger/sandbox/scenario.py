"""Scenarios: worlds with a history that ends now."""

from functools import partial
from typing import NamedTuple

import msgspec

from ledger.sandbox import billing, moments, moving, traffic, unseen
from ledger.sandbox.amounts import CREDIT
from ledger.sandbox.knobs import Knobs
from ledger.sandbox.moments import DAY, HOUR
from ledger.sandbox.people import DEFAULT, MARTIN, ROSSI, SMALL, Profile
from ledger.sandbox.records import Account, Customer, PaymentMethod, Sender, User
from ledger.sandbox.world import World

HISTORY_MONTHS = 6
BEFORE_DAYS = 1_300  # when the first customer came, before now
BACKGROUND_DAYS = 110  # between two packs of the time before the history
OTHER_BILL_DAYS = 91
SIX_MONTHS_DAYS = 183
STEP_MILLI = 50
PASSWORD_LETTERS = 12


class UnknownScenario(ValueError):
    """There is no scenario of this name."""


class Scenario(NamedTuple):
    text: str
    profiles: tuple[Profile, ...]
    unseen: bool = False


SCENARIOS = {
    "default": Scenario("two customers, five accounts, about 6,000 messages", DEFAULT),
    "busy": Scenario("default, with things that no list shows in its past", DEFAULT, True),
    "small": Scenario("one customer, two accounts, about 200 messages", SMALL),
    "large": Scenario("default with as many messages as --messages says", DEFAULT),
}
LARGE_MESSAGES = 100_000


def built(
    name: str, *, seed: int, now: int, knobs: Knobs | None = None, messages: int = 0
) -> World:
    """Build a world and let its history happen, up to `now`."""
    if name not in SCENARIOS:
        raise UnknownScenario(f"no scenario is called {name!r}: {', '.join(SCENARIOS)}")
    scenario = SCENARIOS[name]
    total = messages or (LARGE_MESSAGES if name == "large" else 0)
    begin = now - BEFORE_DAYS * DAY
    start = moments.months_before(now, HISTORY_MONTHS) + DAY
    world = World(seed=seed, now=begin, knobs=knobs)
    world.scenario = name
    _settle(world, scenario.profiles)
    for profile in _sized(scenario.profiles, total):
        _open(world, profile, now=now, start=start)
    for customer in list(world.customers.values()):
        _other_bills(world, customer, begin, now)
    if scenario.unseen:
        unseen.plan(world, start, now)
    world.advance_to(now)
    return world


def more_traffic(world: World, seconds: int) -> None:
    """Plan traffic like the scenario's for the time to come."""
    for profile in SCENARIOS[world.scenario].profiles:
        days = min(profile.age_days, SIX_MONTHS_DAYS)
        messages = profile.messages * seconds // (days * DAY)
        traffic.plan(world, profile, world.now, world.now + seconds, messages)


def _sized(profiles: tuple[Profile, ...], total: int) -> list[Profile]:
    """Scale the accounts to as many messages as wanted; large ones buy large packs."""
    if not total:
        return list(profiles)
    now = sum(profile.messages for profile in profiles)
    return [
        one._replace(
            messages=max(1, one.messages * total // now),
            pack=one.pack * max(1, total // now // 4),
        )
        for one in profiles
    ]


def _settle(world: World, profiles: tuple[Profile, ...]) -> None:
    """Let the customers in, with a way to pay and a key to the API."""
    names = {profile.customer for profile in profiles}
    for customer in (ROSSI, MARTIN):
        if customer.nichandle in names:
            world.customers[customer.nichandle] = msgspec.structs.replace(customer)
            _pays(world, customer, "SEPA_DIRECT_DEBIT", "IT60 XXXX 3456", default=True)
            _pays(world, customer, "CREDIT_CARD", "XXXX XXXX XXXX 4242")
            world.grant(customer.nichandle)


def _pays(
    world: World, customer: Customer, type: str, label: str, *, default: bool = False
) -> None:
    method = PaymentMethod(
        id=world.next_id("method", 7_100_000),
        customer=customer.nichandle,
        type=type,
        label=label,
        created_at=world.now,
        default=default,
    )
    world.methods[method.id] = method


def _open(world: World, profile: Profile, *, now: int, start: int) -> None:
    """Open an account, fill it as it was when the history begins, and plan its traffic."""
    created = now - profile.age_days * DAY
    account = _account(world, profile, created)
    if created < start:
        for at in range(created + HOUR, start - DAY, BACKGROUND_DAYS * DAY):
            world.plan(at, partial(billing.purchase, world, account, profile.pack))
        world.plan(start - HOUR, partial(_use_up, world, account, profile.pack))
        begin = start
    else:
        begin = created + HOUR
        world.plan(begin, partial(billing.purchase, world, account, profile.pack))
    world.plan(begin, partial(_begin, world, account, profile))
    # The last hour is quiet, so that nothing is on its way when the history ends.
    traffic.plan(world, profile, begin + 1, now - HOUR, profile.messages)


def _account(world: World, profile: Profile, created: int) -> Account:
    account = Account(
        name=profile.account,
        customer=profile.customer,
        number=world.next_id("account", 48_000),
        service_id=world.next_id("service", 11_200_000),
        description=profile.description,
        created_at=created,
        threshold_milli=profile.threshold * CREDIT,
        smpp=profile.smpp,
        channel=profile.channel,
        auto_reply=profile.auto_reply,
        senders={
            name: Sender(sender=name, type="alpha" if name.isalpha() else "numeric")
            for name in profile.senders
            if name
        },
        slots={1: profile.contacts},
    )
    for login in profile.logins:
        password = world.secret(PASSWORD_LETTERS)
        account.users[login.login] = User(login=login.login, password=password)
    world.accounts[account.name] = account
    return account


def _use_up(world: World, account: Account, pack: int) -> None:
    """Leave what an older account had when its history begins: part of its last pack."""
    left = world.random.randrange(pack * CREDIT // 5, pack * CREDIT) // STEP_MILLI * STEP_MILLI
    world.change(account, "before-history", left - account.milli)


def _begin(world: World, account: Account, profile: Profile) -> None:
    """Set what holds through the history: recharging, and the users' quotas."""
    account.recharge_credits = profile.recharge
    for login in profile.logins:
        user = account.users[login.login]
        traffic.afford(world, account, profile.pack, login.quota * CREDIT)
        moving.set_quota(world, account, user, login.quota * CREDIT)


def _other_bills(world: World, customer: Customer, begin: int, now: int) -> None:
    """Bill something else every month: not every bill holds credits."""
    domain = customer.email.partition("@")[2]
    for number, at in enumerate(range(begin + DAY, now - DAY, OTHER_BILL_DAYS * DAY)):
        text, net = (("Hosting", "5.99"), (f"Domain {domain}", "9.49"))[number % 2]
        world.plan(at, partial(_bill_other, world, customer, domain, text, net))


def _bill_other(world: World, customer: Customer, domain: str, text: str, net: str) -> None:
    billing.pay(world, billing.order_other(world, customer, domain=domain, text=text, net=net))
