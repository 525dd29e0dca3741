"""The service: a world behind its gate, with its clock, its faults and its counts."""

from collections import Counter
from threading import RLock
from typing import Any

import msgspec

from ledger.sandbox import actions, knobs
from ledger.sandbox.amounts import Json
from ledger.sandbox.clock import Clock
from ledger.sandbox.exchange import Answer, Request
from ledger.sandbox.faults import Faults
from ledger.sandbox.gate import Gate
from ledger.sandbox.records import Credential
from ledger.sandbox.world import World

KEPT_REQUESTS = 100_000


class Seen(msgspec.Struct, frozen=True):
    """One request that arrived, as it was written."""

    method: str
    path: str  # with its query
    batch: str | None = None


class Requests:
    """What was asked: counts by method and route, and each request."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.raw: list[Seen] = []

    def note(self, request: Request, route: str) -> None:
        self.counts[f"{request.method} {route}"] += 1
        if len(self.raw) < KEPT_REQUESTS:
            query = f"?{request.query}" if request.query else ""
            batch = request.headers.get("x-ovh-batch")
            self.raw.append(Seen(request.method, request.path + query, batch))

    def clear(self) -> None:
        self.counts.clear()
        self.raw.clear()

    def __len__(self) -> int:
        return self.counts.total()

    def show(self) -> Json:
        return {
            "total": len(self),
            "counts": dict(self.counts),
            "requests": msgspec.to_builtins(self.raw),
        }


class Service:
    """Everything that the HTTP server, the control surface and tests share."""

    def __init__(self, world: World, clock: Clock) -> None:
        self.world, self.clock = world, clock
        self.gate = Gate(world, clock)
        self.faults = Faults(world.seed, world.knobs.fault_rate)
        self.requests = Requests()
        self.lock = RLock()  # tests look at the world while the server answers

    def answer(self, request: Request) -> Answer:
        with self.lock:
            return self.gate.answer(request)

    def do(self, action: str, **parameters: Any) -> Json:
        """Make something happen, and tell what did."""
        with self.lock:
            self.world.advance_to(self.clock.now)
            return actions.read(action, parameters).run(self)

    def turn(self, settings: dict[str, str]) -> None:
        """Turn knobs while the service runs."""
        self.world.knobs = knobs.turned(settings, self.world.knobs)
        self.faults.rate = self.world.knobs.fault_rate

    @property
    def credentials(self) -> dict[str, Credential]:
        """Tell each customer's key with all rights."""
        return {name: self.world.credential_of(name) for name in self.world.customers}

    def state(self) -> Json:
        with self.lock:
            self.world.advance_to(self.clock.now)
            return {
                "now": self.world.now,
                "seed": self.world.seed,
                "scenario": self.world.scenario,
                "frozen": self.clock.frozen,
                "accounts": self.world.summary(),
                "bills": len(self.world.bills),
                "orders": len(self.world.orders),
                "faults": msgspec.to_builtins(self.faults.waiting),
                "knobs": msgspec.to_builtins(self.world.knobs, builtin_types=()),
            }
