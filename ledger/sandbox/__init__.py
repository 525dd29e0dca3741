"""A fake OVH that speaks HTTP on loopback and is as strict as the real one.

It imports nothing of the ledger, so that one cannot hide the other's mistakes.
"""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ledger.sandbox.knobs import Knobs
from ledger.sandbox.world import World

if TYPE_CHECKING:
    from ledger.sandbox.server import Serving

__all__ = ["Knobs", "World", "serving"]


def serving(
    world: World, *, port: int = 0, frozen: bool = False
) -> "AbstractContextManager[Serving]":
    """Serve a world on loopback; the server is imported only now."""
    from ledger.sandbox import server  # noqa: PLC0415 - starlette and uvicorn are heavy

    return server.serving(world, port=port, frozen=frozen)
