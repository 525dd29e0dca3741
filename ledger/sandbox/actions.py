"""All actions, by name."""

from typing import Any

import msgspec

from ledger.sandbox.action import Action, CannotDo
from ledger.sandbox.actions_credits import (
    Correction,
    Gift,
    PanelPurchase,
    PanelTransfer,
    Purchase,
    Rate,
    Refund,
    SetAlert,
    SetQuota,
    SetRecharge,
)
from ledger.sandbox.actions_service import (
    Advance,
    ClearFaults,
    Grant,
    MakeServiceAccount,
    QueueFault,
    TurnKnobs,
    Validate,
)
from ledger.sandbox.actions_traffic import CancelJob, Clean, DeleteRow, LookUp, Receive, Send

ACTIONS: dict[str, type[Action]] = {
    one.NAME: one
    for one in (
        Advance, CancelJob, Clean, ClearFaults, Correction, DeleteRow, Gift, Grant, LookUp,
        MakeServiceAccount, PanelPurchase, PanelTransfer, Purchase, QueueFault, Rate, Receive,
        Refund, Send, SetAlert, SetQuota, SetRecharge, TurnKnobs, Validate,
    )
}  # fmt: skip


def parameters(action: type[Action]) -> str:
    """Word an action's parameters, with their defaults."""
    fields = msgspec.structs.fields(action)
    shown = [f.name if f.required else f"{f.name}={f.default}" for f in fields]
    return " ".join(shown)


def read(name: str, given: dict[str, Any]) -> Action:
    """Read an action by its name; texts are taken for numbers where numbers belong."""
    if name not in ACTIONS:
        raise CannotDo(f"no action is called {name!r}: {', '.join(ACTIONS)}")
    kind = ACTIONS[name]
    unknown = given.keys() - {field.name for field in msgspec.structs.fields(kind)}
    if unknown:
        known = ", ".join(field.name for field in msgspec.structs.fields(kind))
        raise CannotDo(f"{name} has no {', '.join(sorted(unknown))}; it takes {known}")
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as wrong:
        raise CannotDo(f"{name}: {wrong}") from wrong
