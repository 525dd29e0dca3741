"""Automatic recharge: below the threshold, credits are ordered by the service itself."""

from functools import partial

from ledger.sandbox import billing, moments
from ledger.sandbox.records import Account
from ledger.sandbox.world import World


def consider(world: World, account: Account) -> None:
    """Start a recharge if the balance asks for one; without a delay, as many as it asks."""
    while wanted(world, account):
        account.recharges_in_flight += 1
        if world.knobs.recharge_delay_s:
            at = world.now + world.knobs.recharge_delay_s
            world.plan(at, partial(_finish_later, world, account))
            return
        if not _finish(world, account) or not world.knobs.recharge_repeats:
            return


def wanted(world: World, account: Account) -> bool:
    """Tell whether a recharge would start now."""
    if account.recharge_credits is None or not allowed(world, account):
        return False
    if account.recharges_in_flight and world.knobs.recharge_in_flight == "one":
        return False
    balance = account.owned_milli if world.knobs.recharge_counts_hold else account.milli
    if world.knobs.recharge_trigger == "<":
        return balance < account.threshold_milli
    return balance <= account.threshold_milli


def allowed(world: World, account: Account) -> bool:
    """Tell whether the account may be recharged at all: age, payment method, no SMPP."""
    oldest = moments.months_before(world.now, world.knobs.recharge_min_age_months)
    sepa = billing.has_sepa(world, account.customer) or not world.knobs.recharge_needs_sepa
    return not account.smpp and account.created_at <= oldest and sepa


def _finish(world: World, account: Account) -> bool:
    """Charge the customer and bring the credits; False when the charge fails."""
    account.recharges_in_flight -= 1
    if account.recharge_credits is None:  # switched off while it was on its way
        return False
    order = billing.order_credits(world, account, account.recharge_credits, automatic=True)
    if world.knobs.recharge_fails:
        return False
    billing.deliver(world, order)
    return True


def _finish_later(world: World, account: Account) -> None:
    if _finish(world, account) and world.knobs.recharge_repeats:
        consider(world, account)
