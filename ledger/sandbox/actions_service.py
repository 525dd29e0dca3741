"""Actions on the sandbox itself: its time, its faults, its keys, its knobs."""

from typing import TYPE_CHECKING, ClassVar

import msgspec

from ledger.sandbox import moments, scenario, validating
from ledger.sandbox.action import Action, CannotDo
from ledger.sandbox.amounts import Json
from ledger.sandbox.faults import Fault, Kind
from ledger.sandbox.records import Credential, Rule
from ledger.sandbox.world import EVERYTHING, World

if TYPE_CHECKING:
    from ledger.sandbox.service import Service


class Advance(Action):
    """Let time pass: `seconds`, or `by` 15m, 2h, 1d; with `traffic` as the scenario has."""

    NAME: ClassVar[str] = "advance"
    by: str = ""
    seconds: int = 0
    traffic: bool = False

    def run(self, service: "Service") -> Json:
        seconds = moments.duration(self.by) if self.by else self.seconds
        if self.traffic:
            scenario.more_traffic(service.world, seconds)
        service.clock.advance(seconds)
        service.world.advance_to(service.clock.now)
        return {"now": moments.iso(service.world.now, service.world.knobs.time_zone)}


class QueueFault(Action):
    """Queue a fault for the next requests that match; `sandbox actions` lists the kinds."""

    NAME: ClassVar[str] = "fault"
    match: str = "* *"
    kind: Kind = "status"
    times: int = 1
    after: int = 0
    status: int = 0
    retry_after: int | None = None
    seconds: float = 0
    field: str = "creditsLeft"

    def run(self, service: "Service") -> Json:
        service.faults.add(Fault(**msgspec.structs.asdict(self)))
        return {"waiting": [msgspec.to_builtins(one) for one in service.faults.waiting]}


class ClearFaults(Action):
    """Forget every fault that waits."""

    NAME: ClassVar[str] = "clear-faults"

    def run(self, service: "Service") -> Json:
        dropped = len(service.faults.waiting)
        service.faults.waiting.clear()
        return {"dropped": dropped}


class Grant(Action):
    """Hand out a key with `rules` like `GET /sms;GET /sms/*`; without rules, all rights."""

    NAME: ClassVar[str] = "grant"
    customer: str = ""
    rules: str = ""
    status: str = "validated"
    expires_in: str = ""

    def run(self, service: "Service") -> Json:
        granted = self.granted(service.world)
        return {
            "application_key": granted.application_key,
            "application_secret": granted.application_secret,
            "consumer_key": granted.consumer_key,
        }

    def granted(self, world: World, *, is_service: bool = False) -> Credential:
        nichandle = self.customer or next(iter(world.customers))
        if nichandle not in world.customers:
            raise CannotDo(f"no customer {nichandle!r}: {', '.join(world.customers)}")
        pairs = [rule.strip().partition(" ") for rule in self.rules.split(";") if rule.strip()]
        return world.grant(
            nichandle,
            tuple(Rule(method, path.strip()) for method, _, path in pairs) or EVERYTHING,
            status=self.status,
            expires_at=world.now + moments.duration(self.expires_in)
            if self.expires_in
            else None,
            is_service=is_service,
        )


class Validate(Action):
    """Open the page of the newest requested key (or of `token`), as its customer does."""

    NAME: ClassVar[str] = "validate"
    token: str = ""
    customer: str = ""
    refuse: bool = False
    expires_in: str = ""

    def run(self, service: "Service") -> Json:
        world = service.world
        key = validating.waiting(world, self.token)
        if key is None:
            raise CannotDo("no key waits for its validation")
        if self.customer not in ("", *world.customers):
            raise CannotDo(f"no customer {self.customer!r}: {', '.join(world.customers)}")
        told = validating.answer(
            world,
            key,
            refuse=self.refuse,
            customer=self.customer,
            seconds=moments.duration(self.expires_in) if self.expires_in else 0,
        )
        return {"page": told, "rules": [f"{rule.method} {rule.path}" for rule in key.rules]}


class MakeServiceAccount(Grant):
    """Make a service account (OAuth2) whose policy grants `rules`, or everything."""

    NAME: ClassVar[str] = "service-account"

    def run(self, service: "Service") -> Json:
        made = self.granted(service.world, is_service=True)
        return {"client_id": made.application_key, "client_secret": made.application_secret}


class TurnKnobs(Action):
    """Turn knobs while the sandbox runs: `knobs` is name=value,name=value."""

    NAME: ClassVar[str] = "knobs"
    knobs: str

    def run(self, service: "Service") -> Json:
        pairs = [one.partition("=") for one in self.knobs.split(",")]
        service.turn({name.strip(): value.strip() for name, _, value in pairs})
        return {name.strip(): value.strip() for name, _, value in pairs}
