"""What /sms answers about accounts: their settings, and transfers of credits."""

from ledger.sandbox import models_sms, moving
from ledger.sandbox.amounts import Json, milli
from ledger.sandbox.operations import (
    ANYTHING,
    DOUBLE,
    TEXT,
    VOID,
    Call,
    Operation,
    Parameter,
    Void,
    get,
    one_of,
    required,
)
from ledger.sandbox.refusals import BadRequest, RuleBroken

RECHARGES = (100, 200, 250, 500, 1_000, 5_000, 10_000)

ACCOUNT_BODY = {
    "automaticRecreditAmount": Parameter(one_of(*RECHARGES)),
    "callBack": TEXT,
    "channel": ANYTHING,
    "creditThresholdForAutomaticRecredit": DOUBLE,
    "creditsHoldByQuota": ANYTHING,
    "creditsLeft": ANYTHING,
    "description": TEXT,
    "name": ANYTHING,
    "smpp": ANYTHING,
    "smsResponse": ANYTHING,
    "status": ANYTHING,
    "stopCallBack": TEXT,
    "templates": ANYTHING,
    "userQuantityWithQuota": ANYTHING,
}


def list_accounts(call: Call) -> list[str]:
    return [one.name for one in call.world.accounts_of(call.customer.nichandle)]


def show_account(call: Call) -> Json:
    return models_sms.account(call.world, call.account)


def edit_account(call: Call) -> Void:
    """Change what may be changed; what is read-only is passed over."""
    account, body = call.account, call.body
    wanted = body.get("automaticRecreditAmount")
    if wanted is not None and account.smpp:
        raise RuleBroken("Automatic recredit is not available for SMPP accounts", status=403)
    threshold = account.threshold_milli
    if body.get("creditThresholdForAutomaticRecredit") is not None:
        threshold = milli(body["creditThresholdForAutomaticRecredit"])
        if threshold < 0:
            raise BadRequest("[creditThresholdForAutomaticRecredit] must not be negative")
    if call.world.knobs.recharge_settings == "taken":
        account.threshold_milli = threshold
        if "automaticRecreditAmount" in body:
            account.recharge_credits = wanted
    account.description = body.get("description") or account.description
    account.callback = body.get("callBack", account.callback)
    account.stop_callback = body.get("stopCallBack", account.stop_callback)
    return VOID


def show_service_infos(call: Call) -> Json:
    return models_sms.service_infos(call.world, call.account)


def transfer_credits(call: Call) -> Void:
    moving.transfer(
        call.world, call.account, call.body["smsAccountTarget"], call.body["credits"]
    )
    return VOID


def list_virtual_numbers(_: Call) -> list[str]:
    return []


ACCOUNT = "/sms/{serviceName}"

OPERATIONS = [
    get("/sms", list_accounts, iamTags=ANYTHING),
    get(ACCOUNT, show_account),
    Operation(method="PUT", path=ACCOUNT, answer=edit_account, body=ACCOUNT_BODY),
    get(f"{ACCOUNT}/serviceInfos", show_service_infos),
    Operation(
        method="POST",
        path=f"{ACCOUNT}/transferCredits",
        answer=transfer_credits,
        body={"credits": required(DOUBLE), "smsAccountTarget": required(TEXT)},
    ),
    get(f"{ACCOUNT}/virtualNumbers", list_virtual_numbers),
]
