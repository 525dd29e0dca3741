"""Credits that move without a message: transfers, quotas, gifts, corrections."""

from ledger.sandbox import recharging
from ledger.sandbox.amounts import CREDIT, Number, TooFine, milli
from ledger.sandbox.records import Account, Lookup, Task, User
from ledger.sandbox.refusals import RuleBroken, short_of_credits
from ledger.sandbox.world import World

TENTH = CREDIT // 10  # an HLR lookup, or the cleaning of one contact
LOOKUP_SECONDS, CLEANING_SECONDS = 30, 60
OPERATORS = ("22201", "22210", "22288", "20801", "20810", "20820", "21403", "23410")


def transfer(world: World, source: Account, target_name: str, credits: Number) -> None:
    """Move credits between two accounts of one customer, under the knobs' rules."""
    amount = _transferable(world, credits)
    target = world.accounts.get(target_name)
    if target is None or target.customer != source.customer:
        raise RuleBroken(
            "Target SMS account does not exist", status=world.knobs.transfer_target_status
        )
    if target is source:
        if world.knobs.transfer_same_status:
            raise RuleBroken(
                "Source and target are the same", status=world.knobs.transfer_same_status
            )
        return
    limit = source.owned_milli if world.knobs.transfer_moves_hold else source.milli
    if amount > limit:
        raise short_of_credits(world.knobs.transfer_short_status)
    move(world, source, target, amount)


def move(world: World, source: Account, target: Account, amount: int) -> None:
    world.change(source, "transfer-out", -amount)
    world.change(target, "transfer-in", amount)
    if world.knobs.transfer_triggers_recharge:
        recharging.consider(world, source)


def _transferable(world: World, credits: Number) -> int:
    status = world.knobs.transfer_amount_status
    try:
        amount = milli(credits)
    except TooFine as fine:
        raise RuleBroken("Invalid number of credits", status=status) from fine
    step = 10 ** (3 - world.knobs.transfer_decimals)
    if amount < milli(world.knobs.transfer_minimum) or amount <= 0 or amount % step:
        raise RuleBroken("Invalid number of credits", status=status)
    return amount


def set_quota(world: World, account: Account, user: User, quota_milli: int | None) -> None:
    """Give a user a quota out of the account's credits; None gives it all back."""
    wanted = quota_milli or 0
    if wanted - user.quota_milli > account.milli:
        raise short_of_credits(world.knobs.quota_short_status)
    account.milli -= wanted - user.quota_milli
    user.quota_milli = wanted
    user.has_quota = quota_milli is not None
    user.alerted = False


def give(world: World, account: Account, kind: str, amount: int) -> None:
    """Add or take credits without any document: a gift, a correction."""
    world.change(account, kind, amount)
    if amount < 0:
        recharging.consider(world, account)


def look_up(world: World, account: Account, receivers: list[str]) -> list[Lookup]:
    """Ask whether numbers are reachable; each question costs a tenth of a credit."""
    if len(receivers) * TENTH > account.milli:
        raise short_of_credits(world.knobs.no_credit_status)
    found = [_lookup(world, receiver) for receiver in receivers]
    account.lookups |= {lookup.id: lookup for lookup in found}
    world.change(account, "hlr", -len(found) * TENTH)
    recharging.consider(world, account)
    return found


def _lookup(world: World, receiver: str) -> Lookup:
    world.receivers.add(receiver)
    valid = world.random.random() < 0.95  # noqa: PLR2004 - a share
    return Lookup(
        id=world.next_id("lookup", 5_200_000),
        created_at=world.now,
        done_at=world.now + LOOKUP_SECONDS,
        receiver=receiver,
        operator=world.random.choice(OPERATORS),
        ported=world.random.randrange(5) == 0,
        roaming=world.random.randrange(20) == 0,
        reachable=valid,
        valid=valid,
    )


def cleaning_cost(account: Account, slot: int, *, freemium: bool) -> int:
    return 0 if freemium else account.slots[slot] * TENTH


def clean(world: World, account: Account, slot: int, *, freemium: bool) -> Task:
    """Clean a phone book; only its task remains to be seen."""
    amount = cleaning_cost(account, slot, freemium=freemium)
    if amount > account.milli:
        raise short_of_credits(world.knobs.no_credit_status)
    task = Task(
        id=world.next_id("task", 310_000),
        created_at=world.now,
        done_at=world.now + CLEANING_SECONDS,
    )
    account.tasks[task.id] = task
    if amount:
        world.change(account, "cleaning", -amount)
        recharging.consider(world, account)
    return task
