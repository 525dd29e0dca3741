"""Operations: one method and path, what they take, and the function that answers.

A path matches segment by segment, and exactly: a trailing slash is another path.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote
from uuid import UUID

import msgspec

from ledger.sandbox import moments
from ledger.sandbox.records import Account, Credential, Customer
from ledger.sandbox.refusals import BadRequest, no_service, not_described
from ledger.sandbox.world import World

Reader = Callable[[Any], Any]
VERBS = {"GET": "get", "POST": "create", "PUT": "edit", "DELETE": "delete"}
DEEDS = ("transferCredits", "cancel", "clean", "pay")
PRODUCTS = ("sms", "order")


class Void:
    """A call that returns nothing: `null` on the wire."""


VOID = Void()


class Call(msgspec.Struct, kw_only=True):
    """One call that passed every check, with its parameters read."""

    world: World
    credential: Credential | None
    path: dict[str, str]
    query: dict[str, Any]
    body: dict[str, Any]
    origin: str = ""  # scheme and host, as the caller sees us

    @property
    def customer(self) -> Customer:
        if self.credential is None:
            raise LookupError("a call without a key has no customer")
        return self.world.customers[self.credential.customer]

    @property
    def account(self) -> Account:
        """Find the SMS account of the path; a foreign one does not exist."""
        found = self.world.accounts.get(self.path["serviceName"])
        if found is None or found.customer != self.customer.nichandle:
            raise no_service()
        return found


class Parameter(msgspec.Struct, frozen=True):
    read: Reader
    required: bool = False


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    method: str
    path: str
    answer: Callable[[Call], object]
    query: dict[str, Parameter] = {}
    body: dict[str, Parameter] | None = None  # None: whatever is sent is not read
    auth: bool = True

    @property
    def parts(self) -> list[str]:
        return self.path.split("/")

    @property
    def takes_batch(self) -> str:
        """Tell the word before the last path parameter, by which batches are switched."""
        *_, word, last = self.parts
        return word if self.method == "GET" and last.startswith("{") else ""


class Directory:
    """All operations, found by method and path."""

    def __init__(self, operations: list[Operation]) -> None:
        self.operations = operations
        self._by_size: dict[tuple[str, int], list[tuple[Operation, list[str]]]] = {}
        for one in operations:
            parts = one.parts
            self._by_size.setdefault((one.method, len(parts)), []).append((one, parts))

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """Find the operation of a raw path; fixed words win over parameters."""
        segments = [unquote(segment) for segment in path.split("/")]
        matches = [
            (one, found)
            for one, parts in self._by_size.get((method, len(segments)), [])
            if (found := _match(parts, segments)) is not None
        ]
        return min(matches, key=lambda match: len(match[1])) if matches else None


def _match(parts: list[str], segments: list[str]) -> dict[str, str] | None:
    """Read a path's parameters, or None when it is another operation's path."""
    found: dict[str, str] = {}
    for part, segment in zip(parts, segments, strict=True):
        if part.startswith("{") and segment:
            found[part[1:-1]] = segment
        elif part != segment:
            return None
    return found


def get(path: str, answer: Callable[[Call], object], **query: Parameter) -> Operation:
    return Operation(method="GET", path=path, answer=answer, query=query)


def action(operation: Operation) -> str:
    """Name an operation as the rights management does, `sms:apiovh:outgoing/get`."""
    words = [part for part in operation.parts if part and not part.startswith("{")]
    if words == ["sms", "estimate"]:
        return "account:apiovh:sms/estimate"
    if operation.method == "PUT" and words == ["sms"]:
        return "sms:apiovh:put"
    product, rest = (words[0], words[1:]) if words[0] in PRODUCTS else ("account", words)
    is_deed = operation.method == "POST" and words[-1] in DEEDS
    verb = [] if is_deed else [VERBS[operation.method]]
    return f"{product}:apiovh:{'/'.join(rest + verb)}"


def read_query(operation: Operation, raw: str) -> dict[str, Any]:
    """Read the query; a parameter that is not described is refused."""
    given = dict(parse_qsl(raw, keep_blank_values=True))
    return _read(operation.query, given)


def read_body(operation: Operation, raw: bytes) -> dict[str, Any]:
    """Read a JSON object; its numbers keep their exact digits."""
    if operation.body is None:
        return {}
    try:
        given = json.loads(raw or b"{}", parse_float=Decimal)
    except ValueError as wrong:
        raise BadRequest("Invalid JSON received") from wrong
    if not isinstance(given, dict):
        raise BadRequest("Invalid JSON received")
    return _read(operation.body, given)


def _read(described: Mapping[str, Parameter], given: dict[str, Any]) -> dict[str, Any]:
    if not given.keys() <= described.keys():
        raise not_described()
    missing = [name for name, one in described.items() if one.required and name not in given]
    if missing:
        raise BadRequest(f"Missing parameter(s): {', '.join(missing)}")
    return {
        name: value if value is None else _value(name, described[name].read, value)
        for name, value in given.items()
    }


def _value(name: str, read: Reader, value: object) -> object:
    try:
        return read(value)
    except (ValueError, TypeError, LookupError, ArithmeticError) as wrong:
        raise BadRequest(f"[{name}] Given data ({value}) is not valid") from wrong


# --- readers: what a parameter's text or JSON value means


def long(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    raise ValueError(value)


def double(value: object) -> int | Decimal:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return value
    raise ValueError(value)


def text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(value)


def texts(value: object) -> list[str]:
    if isinstance(value, list):
        return [text(one) for one in value]
    raise ValueError(value)


def flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}[text(value)]


def moment(value: object) -> int:
    return moments.seconds(text(value))


def instant(value: object) -> datetime:
    return datetime.fromisoformat(text(value))


def uuid(value: object) -> str:
    return str(UUID(text(value)))


def one_of(*choices: object) -> Reader:
    def read(value: object) -> object:
        found = long(value) if isinstance(choices[0], int) else text(value)
        if found not in choices:
            raise ValueError(value)
        return found

    return read


def anything(value: object) -> object:
    return value


LONG, DOUBLE, TEXT, TEXTS = (
    Parameter(long),
    Parameter(double),
    Parameter(text),
    Parameter(texts),
)
FLAG, MOMENT, UUID_TEXT = Parameter(flag), Parameter(moment), Parameter(uuid)
ANYTHING = Parameter(anything)


def required(parameter: Parameter) -> Parameter:
    return Parameter(parameter.read, required=True)
