"""The gate: a request goes in, every check is made in order, an answer comes out."""

import time
from collections import deque
from typing import Any
from urllib.parse import unquote

import msgspec

from ledger.sandbox import auth, operations, refusals
from ledger.sandbox.amounts import Json
from ledger.sandbox.clock import Clock
from ledger.sandbox.exchange import Answer, Request, json_answer
from ledger.sandbox.operations import Call, Directory, Operation, Void
from ledger.sandbox.records import Credential
from ledger.sandbox.refusals import BadRequest, NotFound, Refusal
from ledger.sandbox.routes import directory
from ledger.sandbox.world import World

BATCH = "x-ovh-batch"
MINUTE = 60


class Gate:
    """Answers requests for one world, as the API of OVH would."""

    def __init__(self, world: World, clock: Clock) -> None:
        self.world, self.clock = world, clock
        self.directory: Directory = directory()
        self._recent: dict[str, deque[float]] = {}

    def answer(self, request: Request) -> Answer:
        """Answer one request; whatever is refused is an answer, too."""
        self.world.advance_to(self.clock.now)
        found = self.directory.find(request.method, request.path)
        try:
            return self._answer(request, found)
        except Refusal as refused:
            return self._refused(refused)

    def route(self, request: Request) -> str:
        """Name the route of a request, by which requests are counted."""
        found = self.directory.find(request.method, request.path)
        return found[0].path if found else request.path

    def _answer(
        self, request: Request, found: tuple[Operation, dict[str, str]] | None
    ) -> Answer:
        if found is not None and not found[0].auth:
            operation, path = found
            opened = operation.path == "/auth/credential"
            key = (
                auth.known(self.world, request.headers.get(auth.APPLICATION, ""))
                if opened
                else None
            )
            return self._perform(request, operation, path, key)
        credential = auth.authenticate(self.world, self.clock, request)
        act = operations.action(found[0]) if found else ""
        self._limit(credential)
        path_asked = unquote(request.path)
        auth.check_rules(self.world, credential, request.method, path_asked, act)
        if found is None:
            raise NotFound("Got an invalid (or empty) URL")
        credential.used_at = self.world.now
        return self._perform(request, *found, credential)

    def _perform(
        self,
        request: Request,
        operation: Operation,
        path: dict[str, str],
        credential: Credential | None,
    ) -> Answer:
        call = Call(
            world=self.world,
            credential=credential,
            path=path,
            query={},
            body={},
            origin=request.origin,
        )
        if "serviceName" in path:
            _ = call.account  # a service that is not the customer's is refused first
        call.query = operations.read_query(operation, request.query)
        call.body = self._body(request, operation)
        separator = request.headers.get(BATCH)
        if separator and self._takes_batch(operation):
            return json_answer(self._each(call, operation, separator))
        value = operation.answer(call)
        self._log(request, operation, credential)
        return self._void() if isinstance(value, Void) else json_answer(value)

    def _body(self, request: Request, operation: Operation) -> dict[str, Any]:
        try:
            return operations.read_body(operation, request.body)
        except BadRequest as wrong:
            strange = self.world.knobs.wrong_type_answer == "invalid-signature"
            if strange and "is not valid" in wrong.message:
                raise refusals.bad_signature() from wrong
            raise

    def _takes_batch(self, operation: Operation) -> bool:
        words = self.world.knobs.batch_routes.split(",")
        return self.world.knobs.batch and operation.takes_batch in words

    def _each(self, call: Call, operation: Operation, separator: str) -> list[Json]:
        """Answer for several ids at once: a value or an error for each."""
        knobs = self.world.knobs
        name = operation.parts[-1][1:-1]
        keys = call.path[name].split(separator)
        if len(keys) > knobs.batch_max_ids:
            raise BadRequest(f"Too many identifiers, at most {knobs.batch_max_ids}")
        items = [self._item(call, operation, name, key) for key in keys]
        return items[::-1] if knobs.batch_order == "reversed" else items

    def _item(self, call: Call, operation: Operation, name: str, key: str) -> Json:
        knobs = self.world.knobs
        as_number = knobs.batch_key == "number" and key.isdigit()
        shown = int(key) if as_number else key
        one = msgspec.structs.replace(call, path=call.path | {name: key})
        try:
            return {"key": shown, "value": operation.answer(one), "error": None}
        except Refusal as refused:
            error = refused.message if knobs.batch_error == "string" else refused.body()
            return {"key": shown, "value": None, "error": error}

    def _void(self) -> Answer:
        return Answer(status=204) if self.world.knobs.void == "204" else json_answer(None)

    def _refused(self, refused: Refusal) -> Answer:
        answer = json_answer(refused.body(), status=refused.status)
        answer.headers |= refused.headers
        return answer

    def _log(
        self, request: Request, operation: Operation, credential: Credential | None
    ) -> None:
        wanted = request.method != "GET" or self.world.knobs.log_reads
        if credential is not None and wanted:
            path = unquote(request.path)
            self.world.log(credential.customer, request.method, path, operation.path)

    def _limit(self, credential: Credential) -> None:
        """Refuse what is more than a minute's share, in real time."""
        limit = self.world.knobs.requests_per_minute
        if not limit:
            return
        recent = self._recent.setdefault(credential.consumer_key, deque())
        now = time.monotonic()
        while recent and recent[0] <= now - MINUTE:
            recent.popleft()
        if len(recent) >= limit:
            raise too_many(self.world)
        recent.append(now)


def too_many(world: World) -> Refusal:
    """Word a 429, with a Retry-After header where the knob says so."""
    refused = Refusal("Too many requests", status=429)
    if world.knobs.retry_after_s:
        refused.headers["Retry-After"] = str(world.knobs.retry_after_s)
    return refused
