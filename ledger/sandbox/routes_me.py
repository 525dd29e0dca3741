"""What /me answers about the customer: payment methods, the OVH account, the API log."""

from ledger.sandbox import models_me
from ledger.sandbox.amounts import Json
from ledger.sandbox.filters import DATES, asked, list_nothing, number
from ledger.sandbox.operations import (
    FLAG,
    TEXT,
    Call,
    get,
)
from ledger.sandbox.records import LogRow
from ledger.sandbox.refusals import no_object


def show_me(call: Call) -> Json:
    return models_me.customer(call.customer)


def list_methods(call: Call) -> list[int]:
    return [
        method.id
        for method in call.world.methods.values()
        if method.customer == call.customer.nichandle
        and asked(call, "default", method.default)
        and asked(call, "paymentType", method.type)
        and asked(call, "status", method.status)
    ]


def show_method(call: Call) -> Json:
    method = call.world.methods.get(number(call, "paymentMethodId"))
    if method is None or method.customer != call.customer.nichandle:
        raise no_object()
    return models_me.method(call.world, method)


def list_ovh_accounts(call: Call) -> list[str]:
    return [call.customer.subsidiary]


def show_ovh_account(call: Call) -> Json:
    if call.path["ovhAccountId"] != call.customer.subsidiary:
        raise no_object()
    return models_me.ovh_account(call.world, call.customer)


def list_logs(call: Call) -> list[int]:
    mine = call.customer.nichandle
    return [row.id for row in call.world.logs.values() if row.customer == mine]


def show_log(call: Call) -> Json:
    row: LogRow | None = call.world.logs.get(number(call, "logId"))
    if row is None or row.customer != call.customer.nichandle:
        raise no_object()
    return models_me.log(call.world, row)


OVH_ACCOUNT = "/me/ovhAccount/{ovhAccountId}"

OPERATIONS = [
    get("/me", show_me),
    get("/me/payment/method", list_methods, default=FLAG, paymentType=TEXT, status=TEXT),
    get("/me/payment/method/{paymentMethodId}", show_method),
    get("/me/ovhAccount", list_ovh_accounts),
    get(OVH_ACCOUNT, show_ovh_account),
    get(f"{OVH_ACCOUNT}/movements", list_nothing, **DATES),
    get("/me/api/logs/self", list_logs),
    get("/me/api/logs/self/{logId}", show_log),
    get("/me/api/logs/services", list_logs),
    get("/me/api/logs/services/{logId}", show_log),
]
