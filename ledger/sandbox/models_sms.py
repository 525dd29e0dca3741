"""How /sms shows what it knows: OVH's models, with their required nulls."""

from uuid import NAMESPACE_URL, uuid5

from ledger.sandbox import moments, places
from ledger.sandbox.amounts import Json, number
from ledger.sandbox.records import (
    BUFFERED,
    FAILED,
    NOT_BILLED,
    QUEUED,
    SENT,
    WAITING,
    Account,
    Batch,
    Lookup,
    Message,
    Reply,
    Sender,
    Task,
    User,
)
from ledger.sandbox.texts import counted
from ledger.sandbox.world import World

# Receipt and the PTT code that goes with it; the codes are plausible, not OVH's table.
PTT = {QUEUED: 254, WAITING: 3, BUFFERED: 1, SENT: 4, FAILED: 5, NOT_BILLED: 54}
SERVICE_YEARS = 10


def account(world: World, one: Account) -> Json:
    customer = world.customer_of(one)
    return {
        "automaticRecreditAmount": one.recharge_credits,
        "callBack": one.callback,
        "channel": one.channel,
        "creditThresholdForAutomaticRecredit": number(one.threshold_milli),
        "creditsHoldByQuota": number(one.held_milli),
        "creditsLeft": number(one.milli),
        "description": one.description,
        "iam": {
            "displayName": one.name,
            "id": str(uuid5(NAMESPACE_URL, one.name)),
            "state": "OK",
            "tags": {},
            "urn": f"urn:v1:eu:resource:sms:{one.name}",
        },
        "name": one.name,
        "smpp": one.smpp,
        "smsResponse": {
            "cgiUrl": None,
            "responseType": "text" if one.auto_reply else "none",
            "text": one.auto_reply,
            "trackingDefaultSmsSender": None,
            "trackingOptions": [],
        },
        "status": "enable",
        "stopCallBack": one.stop_callback,
        "templates": {
            "customizedEmailMode": False,
            "customizedSmsMode": False,
            "emailBody": None,
            "emailFrom": customer.email,
            "emailSubject": None,
            "smsBody": None,
        },
        "userQuantityWithQuota": sum(user.has_quota for user in one.users.values()),
    }


def service_infos(world: World, one: Account) -> Json:
    zone = world.knobs.time_zone
    return {
        "canDeleteAtExpiration": False,
        "contactAdmin": one.customer,
        "contactBilling": one.customer,
        "contactTech": one.customer,
        "creation": moments.day(one.created_at, zone),
        "domain": one.name,
        "engagedUpTo": None,
        "expiration": moments.day(
            one.created_at + SERVICE_YEARS * 366 * moments.DAY, world.knobs.time_zone
        ),
        "possibleRenewPeriod": None,
        "renew": None,
        "renewalType": "oneShot",
        "serviceId": one.service_id,
        "status": "ok",
    }


def outgoing(world: World, one: Message) -> Json:
    return job(world, one) | {
        "batchID": one.batch,
        "messageID": one.message_id,
        "tag": one.tag,
        "tariffCode": f"SMS_{one.country.upper()}",
    }


def job(world: World, one: Message) -> Json:
    receipt = one.receipt(world.now)
    delivered = receipt == SENT
    return {
        "creationDatetime": _time(world, one.created_at),
        "credits": number(one.milli),
        "deliveredAt": _time(world, one.settled_at) if delivered else None,
        "deliveryReceipt": receipt,
        "differedDelivery": one.deferred_min,
        "id": one.id,
        "message": one.message,
        "messageLength": counted(one.text).characters,
        "numberOfSms": one.parts,
        "ptt": PTT[receipt],
        "receiver": receiver(world, one.id, one.receiver),
        "sender": one.sender,
        "sentAt": _time(world, one.sent_at) if world.now >= one.sent_at else None,
    }


def receiver(world: World, id: int, digits: str) -> str:
    """Print a number as `+39…` or `0039…`."""
    style = world.knobs.receiver_format
    zeros = style == "zeros" or (style == "mixed" and id % 2 == 1)
    return ("00" if zeros else "+") + digits


def incoming(world: World, one: Reply) -> Json:
    return {
        "creationDatetime": _time(world, one.created_at),
        "credits": number(one.milli),
        "id": one.id,
        "message": one.text,
        "sender": receiver(world, one.id, one.sender),
        "tag": one.tag,
    }


def lookup(world: World, one: Lookup) -> Json:
    done = world.now >= one.done_at
    return {
        "datetime": _time(world, one.created_at),
        "id": one.id,
        "msisdn": receiver(world, one.id, one.receiver),
        "operatorCode": one.operator if done else "",
        "ported": one.ported and done,
        "reachable": one.reachable and done,
        "roaming": one.roaming and done,
        "status": "done" if done else "doing",
        "valid": one.valid and done,
    }


def operator(code: str, digits: str) -> Json:
    country = places.country(digits) or ""
    return {
        "country": country.upper(),
        "countryCode": country,
        "network": code,
        "operator": f"Operator {code}",
        "region": "",
    }


def sending_report(
    ids: list[int], valid: list[str], invalid: list[str], milli: int, tag: str = ""
) -> Json:
    return {
        "ids": ids,
        "invalidReceivers": invalid,
        "tag": tag,
        "totalCreditsRemoved": number(milli),
        "validReceivers": valid,
    }


def batch(world: World, account: Account, one: Batch) -> Json:
    return {
        "accountID": account.number,
        "createdAt": _time(world, one.created_at),
        "errors": [{"message": "invalid receiver", "receiver": bad} for bad in one.invalid],
        "estimatedCredits": number(one.estimated_milli),
        "finishedAt": _maybe(world, one.finished_at),
        "from": one.sender,
        "id": one.id,
        "message": one.text,
        "name": one.name,
        "processedRecords": one.done,
        "receivers": [f"+{digits}" for digits in one.receivers],
        "sentAt": _maybe(world, one.deferred_until or one.started_at),
        "slotID": None,
        "startedAt": _maybe(world, one.started_at),
        "status": one.status,
        "totalRecords": len(one.receivers),
        "updatedAt": _time(world, one.updated_at),
    }


def batch_statistics(world: World, account: Account, one: Batch) -> Json:
    rows = [account.outgoing[id] for id in one.ids if id in account.outgoing]
    receipts = [row.receipt(world.now) for row in rows]
    settled = receipts.count(SENT) + receipts.count(FAILED) + receipts.count(NOT_BILLED)
    return {
        "credits": number(one.milli),
        "delivered": receipts.count(SENT),
        "estimatedCredits": number(one.estimated_milli),
        "failed": receipts.count(FAILED) + receipts.count(NOT_BILLED),
        "id": one.id,
        "pending": len(one.receivers) - one.done + len(rows) - settled,
        "sent": one.done,
        "stoplisted": 0,
    }


def user(one: User) -> Json:
    return {
        "alertThresholdInformations": {
            "alertEmail": one.alert_email,
            "alertNumber": one.alert_number,
            "alertThreshold": one.alert_threshold,
            "support": one.alert_support,
        },
        "callBack": one.callback,
        "ipRestrictions": one.ip_restrictions,
        "login": one.login,
        "password": one.password,
        "quotaInformations": {
            "quotaLeft": number(one.quota_milli),
            "quotaStatus": "active" if one.has_quota else "inactive",
        },
        "stopCallBack": one.stop_callback,
    }


def sender(one: Sender) -> Json:
    return {
        "comment": None,
        "description": one.description,
        "referer": "custom",
        "sender": one.sender,
        "status": one.status,
        "type": one.type,
        "validationMedia": None,
    }


def task(world: World, one: Task) -> Json:
    done = world.now >= one.done_at
    return {
        "function": "cleanSmsReceivers",
        "status": "done" if done else "doing",
        "step": "finishing" if done else "createHlrs",
        "taskId": one.id,
    }


def _time(world: World, at: int) -> str:
    return moments.iso(at, world.knobs.time_zone)


def _maybe(world: World, at: int | None) -> str | None:
    return None if at is None else _time(world, at)
