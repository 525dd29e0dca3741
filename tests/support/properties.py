"""Properties that hold on both databases: many examples on SQLite, some on PostgreSQL.

What a property is about, a fold or an import, is the same code on both; what PostgreSQL adds is
its own way to run the SQL, which every example goes through. An example costs ten times as much
there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy
from stores import Store

Property = Callable[..., None]


def on_each_store(
    *, sqlite: int, postgresql: int, **drawn: SearchStrategy[Any]
) -> Callable[[Property], Property]:
    """Make a test of a property, which is given the store and what is drawn."""
    examples = {"sqlite": sqlite, "postgresql": postgresql}

    def test_of(property: Property) -> Property:
        def test(store: Store) -> None:
            @settings(
                max_examples=examples[store.name],
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow],
            )
            @given(**drawn)
            def holds(**example: Any) -> None:
                property(store, **example)

            holds()

        # No more than these: pytest would look for fixtures by the names of what is drawn.
        test.__name__, test.__qualname__ = property.__name__, property.__qualname__
        test.__module__, test.__doc__ = property.__module__, property.__doc__
        return test

    return test_of
