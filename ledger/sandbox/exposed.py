"""What must not leak: everything personal or secret that the sandbox could ever show."""

from collections.abc import Iterator

from ledger.sandbox.records import Account, Message, Reply
from ledger.sandbox.world import World


def secrets(world: World) -> dict[str, list[str]]:
    """List, by kind, every personal datum and secret of a world.

    Receivers come as bare digits, which every printed form of them contains.
    """
    accounts = list(world.accounts.values())
    messages = [one for account in accounts for one in _messages(account)]
    replies = [one for account in accounts for one in _replies(account)]
    keys = world.credentials.values()
    users = [user for account in accounts for user in account.users.values()]
    people = world.customers.values()
    found: dict[str, set[str]] = {
        "receivers": world.receivers,
        "senders": {one.sender for one in messages}
        | {name for account in accounts for name in account.senders},
        "texts": {one.message for one in messages}
        | {one.text for one in replies}
        | {account.auto_reply or "" for account in accounts},
        "personal_tags": {one.tag for one in messages if is_personal(one.tag)},
        "logins": {user.login for user in users},
        "personal_logins": {user.login for user in users if is_personal(user.login)},
        "passwords": {user.password for user in users}
        | {order.password for order in world.orders.values()}
        | {refund.password for refund in world.refunds.values()},
        "application_secrets": {key.application_secret for key in keys},
        "application_keys": {key.application_key for key in keys},
        "consumer_keys": {key.consumer_key for key in keys},
        "tokens": set(world.tokens),
        "emails": {one.email for one in people} | {user.alert_email for user in users},
        "ips": {one.ip for one in people},
        "phones": {one.phone for one in people} | {user.alert_number for user in users},
        "names": {f"{one.firstname} {one.name}" for one in people},
    }
    return {kind: sorted(values - {""}) for kind, values in found.items()}


def is_personal(text: str) -> bool:
    """Tell whether a tag or a login holds an e-mail address or a number."""
    digits = sum(character.isdigit() for character in text)
    return "@" in text or digits > len("2026-11")


def _messages(account: Account) -> Iterator[Message]:
    yield from account.outgoing.values()
    yield from account.jobs.values()
    yield from (one for one in account.gone if isinstance(one, Message))


def _replies(account: Account) -> Iterator[Reply]:
    yield from account.incoming.values()
    yield from (one for one in account.gone if isinstance(one, Reply))
