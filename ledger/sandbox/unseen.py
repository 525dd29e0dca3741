"""What happens behind the back of whoever reads the lists: the `busy` past."""

from functools import partial

from ledger.sandbox import billing, moving, sending
from ledger.sandbox.amounts import CREDIT
from ledger.sandbox.moments import DAY
from ledger.sandbox.records import Account, Message
from ledger.sandbox.sending import Draft
from ledger.sandbox.world import World

ALERT_BELOW = 30  # credits left of a user's quota
TRANSFERRED, GIVEN, TAKEN = 40 * CREDIT, 25 * CREDIT, 3 * CREDIT // 2
WAITING_MIN = 2_880


def plan(world: World, start: int, now: int) -> None:
    """Plan one of each unseen thing in the past, and leave a message waiting."""
    step = (now - start) // 10
    for nichandle in world.customers:
        accounts = world.accounts_of(nichandle)
        first, second = accounts[0], accounts[1]
        world.plan(start + 2 * step, partial(panel_transfer, world, first, second, TRANSFERRED))
        world.plan(start + 4 * step, partial(moving.give, world, first, "gift", GIVEN))
        world.plan(start + 5 * step, partial(clean, world, second))
        world.plan(start + 6 * step, partial(_alert_users, world, accounts))
        world.plan(start + 7 * step, partial(delete_latest, first, 3))
        world.plan(start + 8 * step, partial(moving.give, world, second, "correction", -TAKEN))
        world.plan(now - DAY // 2, partial(_leave_waiting, world, first))


def panel_transfer(world: World, source: Account, target: Account, milli: int) -> None:
    """Move credits as someone does in the customer panel: only the API log tells of it."""
    if milli > source.milli:
        billing.purchase(world, source, max(100, milli // CREDIT))
    moving.move(world, source, target, milli)
    route = "/sms/{serviceName}/transferCredits"
    path = route.replace("{serviceName}", source.name)
    world.log(source.customer, "POST", path, route)


def clean(world: World, account: Account) -> None:
    slot = next(iter(account.slots))
    if moving.cleaning_cost(account, slot, freemium=False) > account.milli:
        billing.purchase(world, account, 100)
    moving.clean(world, account, slot, freemium=False)


def delete_latest(account: Account, count: int) -> list[int]:
    """Delete the newest rows of the history."""
    ids = sorted(account.outgoing)[-count:]
    for one in ids:
        delete_row(account, one)
    return ids


def delete_row(account: Account, id: int) -> Message:
    """Delete one row; its credits stay spent."""
    message = account.outgoing.pop(id)
    account.gone.append(message)
    return message


def _alert_users(world: World, accounts: list[Account]) -> None:
    number = f"+{min(world.receivers)}"
    for user in (user for account in accounts for user in account.users.values()):
        user.alert_threshold, user.alert_support = ALERT_BELOW, "both"
        user.alert_number, user.alert_email = number, f"{user.login}@alerts.example"


def _leave_waiting(world: World, account: Account) -> None:
    receiver = f"+{max(world.receivers)}"
    draft = Draft("Promemoria: a domani", sender="", tag="later", deferred_min=WAITING_MIN)
    sending.send(world, account, [receiver], draft)
