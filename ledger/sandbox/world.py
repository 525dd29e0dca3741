"""The world: everything that the fake OVH knows, and what is due to happen.

Nothing here reads a wall clock or an unseeded random source: the same seed and the same
times give the same history, byte for byte.
"""

import heapq
import uuid
from collections.abc import Callable
from random import Random

import msgspec

from ledger.sandbox import moments, places
from ledger.sandbox.amounts import CREDIT
from ledger.sandbox.knobs import Knobs
from ledger.sandbox.records import (
    Account,
    Bill,
    Credential,
    Customer,
    LogRow,
    Order,
    PaymentMethod,
    Refund,
    Rule,
    Token,
)

EVERYTHING = tuple(Rule(method, "/*") for method in ("GET", "POST", "PUT", "DELETE"))
KEY_LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
LOG_LIMIT = 10_000
LETTERS_IN_KEY, LETTERS_IN_SECRET = 16, 32

# The widest gap between two ids of one kind: others' messages lie in between.
MESSAGE_GAP, SMALL_GAP = 400, 90


class World:
    """A seeded state machine of OVH customers and their SMS accounts."""

    def __init__(self, *, seed: int, now: int, knobs: Knobs | None = None) -> None:
        self.seed = seed
        self.now = now
        self.knobs = knobs or Knobs()
        self.scenario = ""
        self.random = Random(seed)  # noqa: S311 - a seeded simulation, not a secret
        self.customers: dict[str, Customer] = {}
        self.accounts: dict[str, Account] = {}
        self.credentials: dict[str, Credential] = {}
        self.tokens: dict[str, Token] = {}
        self.methods: dict[int, PaymentMethod] = {}
        self.orders: dict[int, Order] = {}
        self.bills: dict[str, Bill] = {}
        self.refunds: dict[str, Refund] = {}
        self.logs: dict[int, LogRow] = {}
        self.rates: dict[tuple[str, str], int] = {}  # where they are no longer as in `places`
        self.receivers: set[str] = set()  # digits of every number that was ever used
        self._ids: dict[str, int] = {}
        self._due: list[tuple[int, int, Callable[[], object]]] = []
        self._planned = 0

    @classmethod
    def from_scenario(
        cls, name: str, seed: int, now: int, knobs: Knobs | None = None, messages: int = 0
    ) -> "World":
        """Build the world of a scenario, whose history ends at `now`."""
        from ledger.sandbox import scenario  # noqa: PLC0415 - scenarios are built on worlds

        return scenario.built(name, seed=seed, now=now, knobs=knobs, messages=messages)

    def rate(self, billing_country: str, country: str) -> int:
        """Tell the thousandths of a credit that one part to a country costs now."""
        changed = self.rates.get((billing_country, country))
        return places.rate(billing_country, country) if changed is None else changed

    # --- time

    def plan(self, at: int, action: Callable[[], object]) -> None:
        """Let something happen later; what is due at one second happens in order."""
        self._planned += 1
        heapq.heappush(self._due, (at, self._planned, action))

    def soon(self, delay: int, action: Callable[[], object]) -> None:
        """Let something happen after a delay, or now when there is none."""
        if delay:
            self.plan(self.now + delay, action)
        else:
            action()

    def advance_to(self, at: int) -> None:
        """Let the time pass, and everything happen that is due until then."""
        while self._due and self._due[0][0] <= at:
            due, _, action = heapq.heappop(self._due)
            self.now = max(self.now, due)
            action()
        self.now = max(self.now, at)

    @property
    def retained_from(self) -> int:
        """Tell the time before which history is no longer shown."""
        months = self.knobs.retention_months
        return moments.months_before(self.now, months) if months else 0

    # --- ids and keys

    def next_id(self, kind: str, start: int, gap: int = SMALL_GAP) -> int:
        """Draw an id: they grow, with gaps, over all accounts of the world."""
        self._ids[kind] = self._ids.get(kind, start) + self.random.randint(1, gap)
        return self._ids[kind]

    def message_id(self) -> int:
        return self.next_id("message", 1_870_000_000, MESSAGE_GAP)

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def secret(self, length: int) -> str:
        return "".join(self.random.choices(KEY_LETTERS, k=length))

    # --- who is who

    def accounts_of(self, nichandle: str) -> list[Account]:
        return [one for one in self.accounts.values() if one.customer == nichandle]

    def customer_of(self, account: Account) -> Customer:
        return self.customers[account.customer]

    def grant(
        self,
        nichandle: str,
        rules: tuple[Rule, ...] = EVERYTHING,
        *,
        status: str = "validated",
        expires_at: int | None = None,
        application: Credential | None = None,
        is_service: bool = False,
    ) -> Credential:
        """Hand out a consumer key with these rights, of a new application or a known one."""
        granted = Credential(
            id=self.next_id("credential", 410_000_000),
            application_id=application.application_id
            if application
            else self.next_id("application", 90_000),
            application_key=application.application_key
            if application
            else self.secret(LETTERS_IN_KEY),
            application_secret=application.application_secret
            if application
            else self.secret(LETTERS_IN_SECRET),
            consumer_key=self.secret(LETTERS_IN_SECRET),
            customer=nichandle,
            rules=rules,
            created_at=self.now,
            status=status,
            expires_at=expires_at,
            token=self.secret(LETTERS_IN_SECRET),
            is_service=is_service,
        )
        self.credentials[granted.consumer_key] = granted
        return granted

    def credential_of(self, nichandle: str) -> Credential:
        """Find the key with all rights that a scenario gave to a customer."""
        return next(
            key
            for key in self.credentials.values()
            if key.customer == nichandle and key.rules == EVERYTHING
        )

    # --- credits

    def change(self, account: Account, kind: str, milli: int, user: str = "") -> None:
        """Add credits to an account, or to a user's quota, and book them by kind."""
        holder = account.users.get(user)
        if holder is not None and holder.has_quota:
            holder.quota_milli += milli
        else:
            account.milli += milli
        account.movements[kind] = account.movements.get(kind, 0) + milli

    def log(self, nichandle: str, method: str, path: str, route: str) -> None:
        """List a call in the customer's API log."""
        row = LogRow(
            id=self.next_id("log", 700_000_000),
            customer=nichandle,
            called_at=self.now,
            ip=self.customers[nichandle].ip,
            method=method,
            path=path,
            route=route,
        )
        self.logs[row.id] = row
        if len(self.logs) > LOG_LIMIT:
            del self.logs[next(iter(self.logs))]

    # --- the whole of it

    def dump(self) -> bytes:
        """Write down the whole state; two equal worlds give equal bytes."""
        whole = {
            "seed": self.seed,
            "now": self.now,
            "scenario": self.scenario,
            "knobs": self.knobs,
            "customers": self.customers,
            "accounts": self.accounts,
            "credentials": self.credentials,
            "tokens": self.tokens,
            "methods": self.methods,
            "orders": self.orders,
            "bills": self.bills,
            "refunds": self.refunds,
            "logs": self.logs,
            "receivers": sorted(self.receivers),
            "ids": self._ids,
            "due": sorted((at, number) for at, number, _ in self._due),
        }
        return msgspec.json.encode(whole)

    def summary(self) -> dict[str, object]:
        """Tell each account's credits and its sandbox's books, in thousandths."""
        return {
            name: {
                "customer": account.customer,
                "creditsLeft_milli": account.milli,
                "creditsHoldByQuota_milli": account.held_milli,
                "owned_milli": account.owned_milli,
                "movements_milli": account.movements,
                "outgoing": len(account.outgoing),
                "jobs": len(account.jobs),
                "incoming": len(account.incoming),
                "hlr": len(account.lookups),
                "recharges_in_flight": account.recharges_in_flight,
                "threshold_milli": account.threshold_milli,
                "recharge_milli": None
                if account.recharge_credits is None
                else account.recharge_credits * CREDIT,
            }
            for name, account in self.accounts.items()
        }
