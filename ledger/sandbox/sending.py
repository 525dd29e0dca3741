"""Sending and receiving: what a message costs, where it waits, and how it ends."""

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from ledger.sandbox import places, recharging, texts
from ledger.sandbox.amounts import CREDIT
from ledger.sandbox.moments import HOUR, MINUTE
from ledger.sandbox.records import (
    FAILED,
    NOT_BILLED,
    SENT,
    WAITING,
    Account,
    Message,
    Reply,
    User,
)
from ledger.sandbox.refusals import BadRequest, short_of_credits
from ledger.sandbox.world import World

REPLY_COST = CREDIT
# How messages end: shares in 1000.
ENDINGS = ((945, SENT), (985, FAILED), (990, NOT_BILLED), (1000, WAITING))
ALERT_SENDER, ALERT_TEXT = "OVHalert", "SMS: il reste moins de credits que le seuil choisi."


class Sending(NamedTuple):
    messages: list[Message]
    valid: list[str]
    invalid: list[str]

    @property
    def milli(self) -> int:
        return sum(message.milli for message in self.messages)


class Rated(NamedTuple):
    """One receiver, and what the text costs to it."""

    receiver: str  # digits
    country: str
    milli: int


class Draft(NamedTuple):
    """What is the same for every receiver of a sending."""

    text: str
    sender: str
    tag: str = ""
    user: str = ""
    deferred_min: int = 0
    receipt: int | None = None  # how it must end, when a story needs it
    batch: str | None = None


def send(world: World, account: Account, receivers: Iterable[str], draft: Draft) -> Sending:
    """Send one text to each receiver; all is debited at once, or nothing is sent."""
    if texts.counted(draft.text).parts > texts.MAX_PARTS:
        raise BadRequest(f"message is longer than {texts.MAX_PARTS} SMS")
    rated: list[Rated] = []
    valid: list[str] = []
    invalid: list[str] = []
    for receiver in receivers:
        digits = places.digits(receiver)
        country = places.country(digits) if digits else None
        if digits is None or country is None:
            invalid.append(receiver)
        else:
            valid.append(receiver)
            rated.append(Rated(digits, country, cost(world, account, country, draft.text)))
    if sum(one.milli for one in rated) > available(account, draft.user):
        raise short_of_credits(world.knobs.no_credit_status)
    sent = [_create(world, account, one, draft) for one in rated]
    after_debit(world, account, draft.user)
    return Sending(sent, valid, invalid)


def cost(world: World, account: Account, country: str, text: str) -> int:
    """Tell the thousandths that a text to one number of a country costs."""
    billing_country = world.customer_of(account).billing_country
    return texts.counted(text).parts * world.rate(billing_country, country)


def available(account: Account, user: str = "") -> int:
    """Tell the thousandths that a user, or the account itself, may spend."""
    holder = account.users.get(user)
    return holder.quota_milli if holder and holder.has_quota else account.milli


def after_debit(world: World, account: Account, user: str = "") -> None:
    """Do what a lower balance brings about: an alert, a recharge."""
    holder = account.users.get(user)
    if holder is not None:
        _alert(world, account, holder)
    recharging.consider(world, account)


def cancel_job(world: World, account: Account, id: int) -> Message:
    """Delete a message that waits; its credits come back."""
    message = account.jobs.pop(id)
    account.gone.append(message)
    world.change(account, "cancelled", message.milli, message.user)
    return message


def receive(
    world: World, account: Account, sender: str, text: str, *, tag: str = "", user: str = ""
) -> Reply | None:
    """Receive a reply; it costs a credit for each part, and may be answered by itself."""
    milli = REPLY_COST * texts.counted(text).parts
    if milli > account.milli and not world.knobs.reply_below_zero:
        return None
    reply = Reply(
        id=world.next_id("reply", 43_000_000),
        created_at=world.now,
        sender=sender,
        text=text,
        tag=tag,
        user=user,
        milli=milli,
    )
    world.receivers.add(sender)
    account.incoming[reply.id] = reply
    world.change(account, "reply", -milli)
    recharging.consider(world, account)
    _answer(world, account, sender)
    return reply


def _create(world: World, account: Account, rated: Rated, draft: Draft) -> Message:
    delay = world.knobs.queue_delay_s + draft.deferred_min * MINUTE
    sent_at = world.now + delay
    message = Message(
        id=world.message_id(),
        created_at=world.now,
        receiver=rated.receiver,
        country=rated.country,
        text=draft.text,
        sender=draft.sender,
        tag=draft.tag,
        user=draft.user,
        parts=texts.counted(draft.text).parts,
        milli=rated.milli,
        deferred_min=draft.deferred_min,
        sent_at=sent_at,
        settled_at=sent_at + _settling_time(world),
        final_receipt=_ending(world) if draft.receipt is None else draft.receipt,
        batch=draft.batch,
        message_id=world.uuid() if account.smpp else None,
    )
    world.receivers.add(rated.receiver)
    world.change(account, "sent", -rated.milli, draft.user)
    account.jobs[message.id] = message
    world.soon(delay, partial(_leave, world, account, message))
    return message


def _leave(world: World, account: Account, message: Message) -> None:
    """Move a waiting message to the history, unless it was cancelled meanwhile."""
    if account.jobs.pop(message.id, None) is None:
        return
    account.outgoing[message.id] = message
    if message.final_receipt == NOT_BILLED and world.knobs.receipt_16 != "kept":
        world.plan(message.settled_at, partial(_unbill, world, account, message))


def _unbill(world: World, account: Account, message: Message) -> None:
    world.change(account, "not-billed", message.milli, message.user)
    if world.knobs.receipt_16 == "zeroed":
        message.milli = 0


def _settling_time(world: World) -> int:
    """Draw the seconds until the last receipt: mostly a few, sometimes hours."""
    if world.random.random() < 0.03:  # noqa: PLR2004 - a share
        return world.random.randint(HOUR, 48 * HOUR)
    return world.random.randint(4, 90)


def _ending(world: World) -> int:
    drawn = world.random.randrange(1000)
    return next(receipt for below, receipt in ENDINGS if drawn < below)


def _answer(world: World, account: Account, sender: str) -> None:
    country = places.country(sender)
    if account.auto_reply is None or country is None:
        return
    if cost(world, account, country, account.auto_reply) <= account.milli:
        send(world, account, [f"+{sender}"], Draft(text=account.auto_reply, sender=""))


def _alert(world: World, account: Account, user: User) -> None:
    """Warn a user by SMS, once, that credits run low; the account pays for it."""
    wants_sms = user.alert_support in ("sms", "both") and user.alert_number
    low = available(account, user.login) < user.alert_threshold * CREDIT
    digits = places.digits(user.alert_number) if wants_sms else None
    country = places.country(digits) if digits else None
    if user.alerted or not low or digits is None or country is None:
        return
    user.alerted = True
    milli = cost(world, account, country, ALERT_TEXT)
    if world.knobs.alert_row:
        draft = Draft(text=ALERT_TEXT, sender=ALERT_SENDER)
        _create(world, account, Rated(digits, country, milli), draft)
    else:
        world.receivers.add(digits)
        world.change(account, "alert", -milli)
