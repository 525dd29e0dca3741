"""What /sms/{serviceName} answers about what is done now: jobs, batches, HLR lookups."""

from ledger.sandbox import batches, models_sms, moving, places, sending
from ledger.sandbox.amounts import Json
from ledger.sandbox.operations import (
    FLAG,
    LONG,
    TEXT,
    TEXTS,
    VOID,
    Call,
    Operation,
    Parameter,
    Void,
    get,
    instant,
    one_of,
    required,
)
from ledger.sandbox.records import Account, Batch, Lookup
from ledger.sandbox.refusals import BadRequest, no_object
from ledger.sandbox.routes_history import ACCOUNT, USER, id_of, of_user, row_of, shown
from ledger.sandbox.sending import Draft
from ledger.sandbox.texts import STOP_CLAUSE

JOB_BODY = {
    "charset": Parameter(one_of("UTF-8")),
    "class": Parameter(one_of("flash", "phoneDisplay", "sim", "toolkit")),
    "coding": Parameter(one_of("7bit", "8bit")),
    "differedPeriod": LONG,
    "message": required(TEXT),
    "noStopClause": FLAG,
    "priority": Parameter(one_of("high", "low", "medium", "veryLow")),
    "receivers": TEXTS,
    "receiversDocumentUrl": TEXT,
    "receiversSlotId": TEXT,
    "sender": TEXT,
    "senderForResponse": FLAG,
    "tag": TEXT,
    "validityPeriod": LONG,
}
BATCH_BODY = {
    "class": Parameter(one_of("FLASH", "PHONE", "SIM")),
    "deferred": Parameter(instant),
    "from": TEXT,
    "message": required(TEXT),
    "name": TEXT,
    "noStop": FLAG,
    "senderForResponse": FLAG,
    "slotID": TEXT,
    "tag": TEXT,
    "to": TEXTS,
}


# --- jobs


def list_jobs(call: Call) -> list[int]:
    return sorted(row.id for row in shown(call, of_user(call).jobs.values()))


def show_job(call: Call) -> Json:
    return models_sms.job(call.world, row_of(call, of_user(call).jobs))


def delete_job(call: Call) -> Void:
    job = row_of(call, of_user(call).jobs)
    sending.cancel_job(call.world, call.account, job.id)
    return VOID


def post_job(call: Call) -> Json:
    body, account = call.body, of_user(call)
    sender = body.get("sender") or ""
    for_response = bool(body.get("senderForResponse"))
    if not for_response and sender not in account.senders:
        raise BadRequest(f"[sender] {sender} is not a sender of this account")
    draft = Draft(
        text=_with_clause(call, account, for_response=for_response),
        sender="" if for_response else sender,
        tag=body.get("tag") or "",
        user=call.path.get("login", ""),
        deferred_min=body.get("differedPeriod") or 0,
    )
    sent = sending.send(call.world, account, body.get("receivers") or [], draft)
    ids = [message.id for message in sent.messages]
    return models_sms.sending_report(ids, sent.valid, sent.invalid, sent.milli, draft.tag)


def _with_clause(call: Call, account: Account, *, for_response: bool) -> str:
    """Add the STOP clause that French marketing accounts must carry."""
    message: str = call.body["message"]
    french = call.customer.subsidiary == "FR" and account.channel == "marketing"
    wanted = french and not call.body.get("noStopClause") and not for_response
    return message + STOP_CLAUSE if wanted else message


# --- batches


def list_batches(call: Call) -> list[Json]:
    account = call.account
    return [models_sms.batch(call.world, account, one) for one in account.batches.values()]


def batch_of(call: Call) -> Batch:
    found = call.account.batches.get(call.path["id"])
    if found is None:
        raise no_object()
    return found


def show_batch(call: Call) -> Json:
    return models_sms.batch(call.world, call.account, batch_of(call))


def show_batch_statistics(call: Call) -> Json:
    return models_sms.batch_statistics(call.world, call.account, batch_of(call))


def post_batch(call: Call) -> Json:
    body = call.body
    draft = Draft(body["message"], sender=body.get("from") or "", tag=body.get("tag") or "")
    deferred = body.get("deferred")
    batch = batches.post(
        call.world,
        call.account,
        body.get("to") or [],
        draft,
        name=body.get("name") or "",
        deferred_until=int(deferred.timestamp()) if deferred else None,
    )
    return models_sms.batch(call.world, call.account, batch)


def cancel_batch(call: Call) -> Json:
    batches.cancel(call.world, batch_of(call))
    return show_batch(call)


# --- HLR lookups


def list_lookups(call: Call) -> list[int]:
    return sorted(call.account.lookups)


def lookup_of(call: Call) -> Lookup:
    found = call.account.lookups.get(id_of(call))
    if found is None:
        raise no_object()
    return found


def show_lookup(call: Call) -> Json:
    return models_sms.lookup(call.world, lookup_of(call))


def show_lookup_operator(call: Call) -> Json:
    found = lookup_of(call)
    return models_sms.operator(found.operator, found.receiver)


def post_lookups(call: Call) -> Json:
    receivers = call.body.get("receivers") or []
    digits = {receiver: places.digits(receiver) for receiver in receivers}
    valid = [receiver for receiver in receivers if digits[receiver]]
    invalid = [receiver for receiver in receivers if not digits[receiver]]
    found = moving.look_up(
        call.world, call.account, [known for one in valid if (known := digits[one])]
    )
    milli = len(found) * moving.TENTH
    return models_sms.sending_report([one.id for one in found], valid, invalid, milli)


OPERATIONS = [
    *(
        operation
        for base in (ACCOUNT, USER)
        for operation in (
            get(f"{base}/jobs", list_jobs),
            get(f"{base}/jobs/{{id}}", show_job),
            Operation(method="POST", path=f"{base}/jobs", answer=post_job, body=JOB_BODY),
            Operation(method="DELETE", path=f"{base}/jobs/{{id}}", answer=delete_job),
        )
    ),
    get(f"{ACCOUNT}/batches", list_batches),
    get(f"{ACCOUNT}/batches/{{id}}", show_batch),
    get(f"{ACCOUNT}/batches/{{id}}/statistics", show_batch_statistics),
    Operation(method="POST", path=f"{ACCOUNT}/batches", answer=post_batch, body=BATCH_BODY),
    Operation(method="POST", path=f"{ACCOUNT}/batches/{{id}}/cancel", answer=cancel_batch),
    get(f"{ACCOUNT}/hlr", list_lookups),
    get(f"{ACCOUNT}/hlr/{{id}}", show_lookup),
    get(f"{ACCOUNT}/hlr/{{id}}/operator", show_lookup_operator),
    Operation(
        method="POST",
        path=f"{ACCOUNT}/hlr",
        answer=post_lookups,
        body={"receivers": TEXTS, "receiversDocumentUrl": TEXT},
    ),
]
