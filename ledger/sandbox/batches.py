"""Batches: many receivers, sent and debited step by step."""

from functools import partial

from ledger.sandbox import places, sending
from ledger.sandbox.records import Account, Batch
from ledger.sandbox.refusals import Refusal
from ledger.sandbox.sending import Draft
from ledger.sandbox.world import World

OPEN = ("PENDING", "INSERTING", "INSERTED")


def post(
    world: World,
    account: Account,
    receivers: list[str],
    draft: Draft,
    *,
    name: str,
    deferred_until: int | None = None,
) -> Batch:
    """Accept a batch; its messages leave later, a step at a time."""
    rated = {receiver: places.digits(receiver) for receiver in receivers}
    valid = [digits for digits in rated.values() if digits and places.country(digits)]
    batch = Batch(
        id=world.uuid(),
        created_at=world.now,
        name=name,
        text=draft.text,
        sender=draft.sender or None,
        tag=draft.tag,
        receivers=valid,
        invalid=[text for text, digits in rated.items() if digits not in valid],
        estimated_milli=sum(_cost(world, account, digits, draft.text) for digits in valid),
        updated_at=world.now,
        deferred_until=deferred_until,
    )
    world.receivers.update(valid)
    account.batches[batch.id] = batch
    start = max(world.now, deferred_until or 0) + world.knobs.batch_step_s
    world.plan(start, partial(_step, world, account, batch))
    return batch


def cancel(world: World, batch: Batch) -> None:
    """Stop a batch: what has left has left, the rest is not sent."""
    if batch.status in OPEN:
        _end(world, batch, "CANCELED")


def _step(world: World, account: Account, batch: Batch) -> None:
    """Send the next messages of a batch, and debit them."""
    if batch.status not in OPEN:
        return
    batch.started_at = batch.started_at or world.now
    batch.updated_at = world.now
    batch.status = "INSERTED"
    draft = Draft(text=batch.text, sender=batch.sender or "", tag=batch.tag, batch=batch.id)
    size = world.knobs.batch_step_messages
    try:
        sent = sending.send(
            world,
            account,
            [f"+{digits}" for digits in batch.receivers[batch.done : batch.done + size]],
            draft,
        )
    except Refusal:
        _end(world, batch, "FAILED")
        return
    batch.done += len(sent.messages)
    batch.milli += sent.milli
    batch.ids += [message.id for message in sent.messages]
    if batch.done < len(batch.receivers):
        again = world.now + max(1, world.knobs.batch_step_s)
        world.plan(again, partial(_step, world, account, batch))
    else:
        _end(world, batch, "COMPLETED")


def _end(world: World, batch: Batch, status: str) -> None:
    batch.status = status
    batch.updated_at = batch.finished_at = world.now


def _cost(world: World, account: Account, digits: str, text: str) -> int:
    return sending.cost(world, account, places.country(digits) or "", text)
