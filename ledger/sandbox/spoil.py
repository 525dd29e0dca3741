"""Spoiling: what a fault makes of an answer, before it is put on the wire."""

import json
from collections.abc import Callable
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from ledger.sandbox.exchange import HTML, Answer, Request, encode, json_answer
from ledger.sandbox.faults import Fault, finer, html_page, noisy
from ledger.sandbox.refusals import iam, legacy

UNPERFORMED = ("status", "iam", "html", "null", "list", "reset", "hung")


def instead(fault: Fault, action: str) -> Answer:
    """Answer in place of the service, which did nothing."""
    match fault.kind:
        case "iam":
            return json_answer(iam(action), status=403)
        case "html":
            page = html_page(fault.code)
            return Answer(status=fault.code, body=page, content_type=HTML)
        case "null":
            return json_answer(None, status=fault.code)
        case "list":
            return json_answer(["error"], status=fault.code)
        case _:
            return _status(fault)


def changed(fault: Fault, request: Request, answer: Answer) -> Answer:
    """Change the answer of a service that did what it was asked."""
    match fault.kind:
        case "empty":
            return Answer()
        case "malformed":
            answer.body = answer.body[: max(1, len(answer.body) // 2)] + b'{"'
        case "skew":
            if request.path == "/auth/time":
                answer.body = encode(int(answer.body) + int(fault.seconds))
        case "noise":
            answer.body = _renumbered(answer.body, fault.field, noisy)
        case "finer":
            answer.body = _renumbered(answer.body, fault.field, finer)
        case "item":
            answer.body = _without_first(answer.body, fault)
        case _:
            pass
    return answer


def _status(fault: Fault) -> Answer:
    status = HTTPStatus(fault.code)
    answer = json_answer(legacy(status, _message(fault, status)), status=status)
    if fault.retry_after is not None:
        answer.headers["Retry-After"] = str(fault.retry_after)
    return answer


def _message(fault: Fault, status: HTTPStatus) -> str:
    return fault.message if status >= HTTPStatus.INTERNAL_SERVER_ERROR else status.phrase


def _renumbered(body: bytes, field: str, change: Callable[[Decimal], Decimal]) -> bytes:
    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                name: change(Decimal(one)) if name == field else walk(one)
                for name, one in value.items()
            }
        return [walk(one) for one in value] if isinstance(value, list) else value

    return encode(walk(json.loads(body, parse_float=Decimal)))


def _without_first(body: bytes, fault: Fault) -> bytes:
    items = json.loads(body, parse_float=Decimal)
    if isinstance(items, list) and items and isinstance(items[0], dict):
        status = HTTPStatus(fault.code)
        error = legacy(status, _message(fault, status))
        items[0] = {"key": items[0].get("key"), "value": None, "error": error}
    return encode(items)
