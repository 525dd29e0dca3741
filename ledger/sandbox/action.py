"""An action: one thing that a test or a demonstration makes happen.

Every action is a struct: its fields are the parameters, `run` does it and tells what
happened. Most of them are things that OVH's customers do elsewhere: in the panel, by
telephone, on another key.
"""

from typing import TYPE_CHECKING, ClassVar

import msgspec

from ledger.sandbox.amounts import Json, number
from ledger.sandbox.records import Account
from ledger.sandbox.world import World

if TYPE_CHECKING:
    from ledger.sandbox.service import Service


class CannotDo(ValueError):
    """An action names something that is not there, or cannot be done now."""


class Action(msgspec.Struct, kw_only=True):
    """One thing to make happen."""

    NAME: ClassVar[str]

    def run(self, service: "Service") -> Json:
        raise NotImplementedError


class OnAccount(Action):
    """An action on one SMS account; without a name, on the first."""

    account: str = ""

    def of(self, world: World) -> Account:
        if not self.account:
            return next(iter(world.accounts.values()))
        return named(world, self.account)


def named(world: World, name: str) -> Account:
    if name not in world.accounts:
        raise CannotDo(f"no account is called {name!r}: {', '.join(world.accounts)}")
    return world.accounts[name]


def balances(account: Account) -> Json:
    return {
        "account": account.name,
        "creditsLeft": number(account.milli),
        "creditsHoldByQuota": number(account.held_milli),
    }
