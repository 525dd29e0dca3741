"""What /sms/{serviceName} answers about users, senders and phone books."""

from typing import Any

from ledger.sandbox import models_sms, moving
from ledger.sandbox.amounts import Json, milli, number
from ledger.sandbox.operations import (
    ANYTHING,
    FLAG,
    TEXT,
    VOID,
    Call,
    Operation,
    Void,
    get,
    long,
    required,
)
from ledger.sandbox.records import Sender, User
from ledger.sandbox.refusals import RuleBroken, no_object

USER_BODY = {
    "alertThresholdInformations": ANYTHING,
    "callBack": TEXT,
    "ipRestrictions": ANYTHING,
    "login": ANYTHING,
    "password": TEXT,
    "quotaInformations": ANYTHING,
    "stopCallBack": TEXT,
}


# --- users


def list_users(call: Call) -> list[str]:
    return list(call.account.users)


def user_of(call: Call) -> User:
    found = call.account.users.get(call.path["login"])
    if found is None:
        raise no_object()
    return found


def show_user(call: Call) -> Json:
    return models_sms.user(user_of(call))


def post_user(call: Call) -> Void:
    login = call.body["login"]
    if login in call.account.users:
        raise RuleBroken("This login already exists", status=409)
    call.account.users[login] = User(login=login, password=call.body["password"])
    return VOID


def edit_user(call: Call) -> Void:
    user, body = user_of(call), call.body
    if isinstance(quota := body.get("quotaInformations"), dict):
        active = quota.get("quotaStatus", "active") == "active"
        wanted = milli(quota.get("quotaLeft", 0)) if active else None
        moving.set_quota(call.world, call.account, user, wanted)
    if isinstance(alert := body.get("alertThresholdInformations"), dict):
        _set_alert(user, alert)
    user.password = body.get("password") or user.password
    user.callback = body.get("callBack", user.callback)
    user.stop_callback = body.get("stopCallBack", user.stop_callback)
    return VOID


def delete_user(call: Call) -> Void:
    """Delete a user; what its quota held goes back to the account."""
    user = user_of(call)
    moving.set_quota(call.world, call.account, user, None)
    del call.account.users[user.login]
    return VOID


def _set_alert(user: User, alert: dict[str, Any]) -> None:
    user.alert_threshold = alert.get("alertThreshold", user.alert_threshold)
    user.alert_number = alert.get("alertNumber", user.alert_number)
    user.alert_email = alert.get("alertEmail", user.alert_email)
    user.alert_support = alert.get("support", user.alert_support)
    user.alerted = False


# --- senders, phone books, tasks


def list_senders(call: Call) -> list[str]:
    return list(call.account.senders)


def show_sender(call: Call) -> Json:
    found = call.account.senders.get(call.path["sender"])
    if found is None:
        raise no_object()
    return models_sms.sender(found)


def post_sender(call: Call) -> str:
    name: str = call.body["sender"]
    description = call.body.get("description") or ""
    call.account.senders[name] = Sender(sender=name, description=description)
    return name


def clean_receivers(call: Call) -> Json:
    slot = long(call.path["slotId"]) if call.path["slotId"].isdigit() else -1
    if slot not in call.account.slots:
        raise no_object()
    freemium = bool(call.body["freemium"])
    cost = moving.cleaning_cost(call.account, slot, freemium=freemium)
    task_id = 0
    if not call.body["priceOnly"]:
        task_id = moving.clean(call.world, call.account, slot, freemium=freemium).id
    return {"taskId": task_id, "totalCreditsRemoved": number(cost)}


def list_tasks(call: Call) -> list[int]:
    shown = [models_sms.task(call.world, one) for one in call.account.tasks.values()]
    wanted = call.query.get("status")
    return [long(one["taskId"]) for one in shown if wanted in (None, one["status"])]


def show_task(call: Call) -> Json:
    found = call.account.tasks.get(int(call.path["taskId"]))
    if found is None:
        raise no_object()
    return models_sms.task(call.world, found)


ACCOUNT, USER = "/sms/{serviceName}", "/sms/{serviceName}/users/{login}"

OPERATIONS = [
    get(f"{ACCOUNT}/users", list_users),
    Operation(
        method="POST",
        path=f"{ACCOUNT}/users",
        answer=post_user,
        body={"login": required(TEXT), "password": required(TEXT)},
    ),
    get(USER, show_user),
    Operation(method="PUT", path=USER, answer=edit_user, body=USER_BODY),
    Operation(method="DELETE", path=USER, answer=delete_user),
    get(f"{ACCOUNT}/senders", list_senders),
    get(f"{ACCOUNT}/senders/{{sender}}", show_sender),
    Operation(
        method="POST",
        path=f"{ACCOUNT}/senders",
        answer=post_sender,
        body={"sender": required(TEXT), "description": TEXT, "reason": TEXT},
    ),
    Operation(
        method="POST",
        path=f"{ACCOUNT}/receivers/{{slotId}}/clean",
        answer=clean_receivers,
        body={"freemium": required(FLAG), "priceOnly": required(FLAG)},
    ),
    get(f"{ACCOUNT}/task", list_tasks, status=TEXT),
    get(f"{ACCOUNT}/task/{{taskId}}", show_task),
]
