"""Tables by their columns, and how each database takes many rows of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, Final, NamedTuple

Row = tuple[Any, ...]

_AT_ONCE: Final = 5000


class Table(NamedTuple):
    """A table; `then` says what an insert does where the key is there already.

    `view` shows its rows in another form, if one does.
    """

    name: str
    key: tuple[str, ...]
    values: tuple[str, ...]
    then: str = ""
    view: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.key, *self.values)

    @property
    def new(self) -> Table:
        """The same for rows whose keys are not there yet: they are written faster."""
        return self._replace(then="")

    @property
    def into(self) -> str:
        return f"INSERT INTO {self.name} ({', '.join(self.columns)})"


def portions(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Divide rows into as many as are written at once."""
    left = iter(rows)
    while some := list(islice(left, _AT_ONCE)):
        yield some


@lru_cache
def placed(table: Table) -> str:
    """Give the insert of one row by place: to bind by names costs as much as to write it."""
    return f"{table.into} VALUES ({', '.join('?' * len(table.columns))}) {table.then}"


def unnested(table: Table, rows: Sequence[Row]) -> tuple[str, dict[str, list[Any]]]:
    """Give one insert of all rows, an array to a column, for PostgreSQL; and its parameters."""
    columns = dict(zip(table.columns, map(list, zip(*rows, strict=True)), strict=True))
    types = {name: _type(values) for name, values in columns.items()}
    told = {name: columns[name] for name, type in types.items() if type is not None}
    arrays = ", ".join(f"CAST(:{name} AS {types[name]}[])" for name in told)
    shown = ", ".join(name if name in told else "NULL" for name in columns)
    given = f"SELECT {shown} FROM unnest({arrays}) AS given ({', '.join(told)})"  # noqa: S608 (our own names)
    return f"{table.into} {given} {table.then}", told


def _type(values: Sequence[Any]) -> str | None:
    """Give the type of a column's values; None where all are NULL, which any column takes."""
    known = next((value for value in values if value is not None), None)
    match known:
        case None:
            return None
        case str():
            return "TEXT"
        case bytes():
            return "BYTEA"
        case _:
            return "BIGINT"
