"""What /sms/{serviceName} answers about its history: outgoing and incoming.

The same lists exist below /users/{login}, for the messages of one user.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from ledger.sandbox import models_sms, moving
from ledger.sandbox.amounts import Json
from ledger.sandbox.operations import (
    LONG,
    MOMENT,
    TEXT,
    UUID_TEXT,
    VOID,
    Call,
    Operation,
    Void,
    get,
    long,
)
from ledger.sandbox.records import Account, Message, Reply
from ledger.sandbox.refusals import BadRequest, no_object
from ledger.sandbox.world import World

Row = TypeVar("Row", Message, Reply)

SINCE, UNTIL = "creationDatetime.from", "creationDatetime.to"
DATES = {SINCE: MOMENT, UNTIL: MOMENT}
MARKS = {"sender": TEXT, "tag": TEXT}
USER_OUTGOING = {
    "deliveryReceipt": LONG,
    "differedDelivery": LONG,
    "ptt": LONG,
    "receiver": TEXT,
    **MARKS,
}
OUTGOING = {**DATES, **USER_OUTGOING, "batchID": UUID_TEXT, "messageID": UUID_TEXT}
FACTS: dict[str, Callable[[World, Message], object]] = {
    "batchID": lambda _, row: row.batch,
    "messageID": lambda _, row: row.message_id,
    "deliveryReceipt": lambda world, row: row.receipt(world.now),
    "differedDelivery": lambda _, row: row.deferred_min,
    "ptt": lambda world, row: models_sms.PTT[row.receipt(world.now)],
    "receiver": lambda world, row: models_sms.receiver(world, row.id, row.receiver),
    "sender": lambda _, row: row.sender,
    "tag": lambda _, row: row.tag,
}


def shown(call: Call, rows: Iterable[Row]) -> list[Row]:
    """Keep the rows that can be read here: retained, and of the user asked for."""
    oldest = call.world.retained_from
    login = call.path.get("login")
    every = login is None and call.world.knobs.users_rows_in_account
    return [
        row for row in rows if row.created_at >= oldest and (every or row.user == (login or ""))
    ]


def row_of(call: Call, rows: dict[int, Row]) -> Row:
    """Find the row of the path, or say that there is none."""
    row = rows.get(id_of(call))
    if row is None or not shown(call, [row]):
        raise no_object()
    return row


def id_of(call: Call) -> int:
    try:
        return long(call.path["id"])
    except ValueError as wrong:
        raise BadRequest(f"[id] Given data ({call.path['id']}) is not valid") from wrong


def list_outgoing(call: Call) -> list[int]:
    rows = shown(call, of_user(call).outgoing.values())
    return sorted(row.id for row in rows if _outgoing_matches(call, row))


def show_outgoing(call: Call) -> Json:
    return models_sms.outgoing(call.world, row_of(call, of_user(call).outgoing))


def show_outgoing_operator(call: Call) -> Json:
    row = row_of(call, of_user(call).outgoing)
    return models_sms.operator(moving.OPERATORS[row.id % len(moving.OPERATORS)], row.receiver)


def delete_outgoing(call: Call) -> Void:
    row = row_of(call, of_user(call).outgoing)
    call.account.gone.append(call.account.outgoing.pop(row.id))
    return VOID


def list_incoming(call: Call) -> list[int]:
    rows = shown(call, of_user(call).incoming.values())
    return sorted(row.id for row in rows if _incoming_matches(call, row))


def show_incoming(call: Call) -> Json:
    return models_sms.incoming(call.world, row_of(call, of_user(call).incoming))


def delete_incoming(call: Call) -> Void:
    row = row_of(call, of_user(call).incoming)
    call.account.gone.append(call.account.incoming.pop(row.id))
    return VOID


def of_user(call: Call) -> Account:
    """Find the account; when the path names a user, it must be one of the account's."""
    login = call.path.get("login")
    if login is not None and login not in call.account.users:
        raise no_object()
    return call.account


def _within(call: Call, at: int) -> bool:
    """Apply both date filters, each with its own end included."""
    since, until = call.query.get(SINCE), call.query.get(UNTIL)
    return (since is None or at >= since) and (until is None or at <= until)


def _outgoing_matches(call: Call, row: Message) -> bool:
    if not _within(call, row.created_at):
        return False
    return all(
        FACTS[name](call.world, row) == wanted
        for name, wanted in call.query.items()
        if name in FACTS
    )


def _incoming_matches(call: Call, row: Reply) -> bool:
    shown_sender = models_sms.receiver(call.world, row.id, row.sender)
    return (
        _within(call, row.created_at)
        and call.query.get("sender") in (None, shown_sender)
        and call.query.get("tag") in (None, row.tag)
    )


ACCOUNT, USER = "/sms/{serviceName}", "/sms/{serviceName}/users/{login}"

OPERATIONS = [
    get(f"{ACCOUNT}/outgoing", list_outgoing, **OUTGOING),
    get(f"{ACCOUNT}/incoming", list_incoming, **DATES, **MARKS),
    get(f"{USER}/outgoing", list_outgoing, **USER_OUTGOING),
    get(f"{USER}/incoming", list_incoming, **MARKS),
    *(
        operation
        for base in (ACCOUNT, USER)
        for operation in (
            get(f"{base}/outgoing/{{id}}", show_outgoing),
            get(f"{base}/outgoing/{{id}}/hlr", show_outgoing_operator),
            Operation(method="DELETE", path=f"{base}/outgoing/{{id}}", answer=delete_outgoing),
            get(f"{base}/incoming/{{id}}", show_incoming),
            Operation(method="DELETE", path=f"{base}/incoming/{{id}}", answer=delete_incoming),
        )
    ),
]
