"""The spool: the facts of a file in a temporary database, ordered by their natural keys.

All rows are here but those of lines, which are many (`line_spool`).
SQLite removes the file's name as soon as it is open, so it cannot outlive the program and
nobody else can read it. Only a small part of it is in memory, whatever the size of the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from ledger.files.room import no_room
from ledger.files.rows import Row, RowKind
from ledger.pages import LineId

_CACHE_KIB: Final = 16_000

# Ids have no declared type: numbers come before texts, which is the order of pages.
_TABLES: Final = (
    """CREATE TABLE row (
        line INTEGER, account INTEGER, kind TEXT, said TEXT, id, at_us INTEGER, milli INTEGER,
        parts INTEGER, country TEXT, tag TEXT, user TEXT, batch TEXT, counter INTEGER,
        net TEXT, vat TEXT, bill TEXT)""",
    """CREATE TABLE known (
        account INTEGER, kind TEXT, id, at_us INTEGER, milli INTEGER, own INTEGER,
        PRIMARY KEY (account, kind, id)) WITHOUT ROWID""",
    # The keys that several rows have, with the first of their lines.
    """CREATE TABLE repeated (
        account INTEGER, kind TEXT, id, line INTEGER,
        PRIMARY KEY (account, kind, id)) WITHOUT ROWID""",
    # What is left to record.
    """CREATE VIEW new_row AS SELECT * FROM row WHERE NOT EXISTS (
        SELECT 1 FROM known
        WHERE known.account = row.account AND known.kind = row.kind AND known.id = row.id)""",
)
_INSERT_ROW: Final = f"INSERT INTO row VALUES ({', '.join('?' * len(Row._fields))})"  # noqa: S608

_SAME_KEY: Final = "again.account = one.account AND again.kind = one.kind AND again.id = one.id"
_OTHER_PAYLOAD: Final = (
    "(again.at_us <> one.at_us OR again.milli <> one.milli OR again.said <> one.said"
    " OR again.counter <> one.counter)"
)


class Known(NamedTuple):
    """A fact of the ledger with the key of a row.

    `own` is 1 where this very file recorded it, in a run that was cut off.
    """

    account: int
    kind: str
    id: LineId
    at_us: int
    milli: int
    own: int = 0


class Spool:
    """A temporary database of rows. Raises DatabaseUnusable where there is no room for it."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE"):
            self.run(f"PRAGMA {pragma}")
        self.run(f"PRAGMA cache_size = -{_CACHE_KIB}")
        for table in _TABLES:
            self.run(table)
        self.run("BEGIN")
        self.contradiction: tuple[Row, Row] | None = None

    def close(self) -> None:
        self._connection.close()

    def run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement and give all its rows."""
        return list(self.each(sql, *values))

    def each(self, sql: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Run one query and give its rows as they are read."""
        try:
            # No `yield from`: it would close an abandoned query, perhaps after the database.
            for row in self._connection.execute(sql, values):  # noqa: UP028
                yield row
        except sqlite3.Error as error:
            raise no_room(error) from error

    def rows(self, sql: str, *values: Any) -> Iterator[Row]:
        """Run a query for the columns of rows."""
        return map(Row._make, self.each(sql, *values))

    def row(self, sql: str, *values: Any) -> Row | None:
        """Give the first row of a query."""
        return next(self.rows(f"{sql} LIMIT 1", *values), None)

    def _fill(self, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
        try:
            self._connection.executemany(sql, rows)
        except sqlite3.Error as error:
            raise no_room(error) from error

    # --- filling -----------------------------------------------------------------------

    def add(self, rows: Iterable[Row]) -> None:
        """Take in rows, in the order of the file."""
        self._fill(_INSERT_ROW, map(tuple, rows))  # plain tuples are bound faster

    def seal(self) -> None:
        """Order the rows by their keys, the first of each; nothing is added after that.

        `contradiction` then is the first row with the key of an earlier one and another
        payload, and the earlier one.
        """
        self.run("CREATE INDEX row_by_key ON row (account, kind, id, line)")
        self.run(
            "INSERT INTO repeated SELECT account, kind, id, MIN(line) FROM row"
            " GROUP BY account, kind, id HAVING COUNT(*) > 1"
        )
        self.contradiction = self._contradiction()
        self.run(
            "DELETE FROM row WHERE EXISTS (SELECT 1 FROM repeated AS one WHERE"
            " one.account = row.account AND one.kind = row.kind AND one.id = row.id"
            " AND one.line < row.line)"
        )

    def _contradiction(self) -> tuple[Row, Row] | None:
        again = self.row(
            "SELECT again.*"  # noqa: S608 (our own words)
            " FROM repeated JOIN row AS one USING (account, kind, id, line)"
            f" JOIN row AS again ON {_SAME_KEY} WHERE {_OTHER_PAYLOAD} ORDER BY again.line"
        )
        if again is None:
            return None
        one = self.row(
            "SELECT * FROM row WHERE account = ? AND kind = ? AND id = ? ORDER BY line",
            *(again.account, again.kind, again.id),
        )
        return again, (one or again)

    # --- what the ledger knows ---------------------------------------------------------

    def know(self, known: Iterable[Known]) -> None:
        """Take in those facts of the ledger that have the key of a row."""
        self._fill(
            "INSERT OR IGNORE INTO known SELECT ?1, ?2, ?3, ?4, ?5, ?6"
            " WHERE EXISTS (SELECT 1 FROM row WHERE account = ?1 AND kind = ?2 AND id = ?3)",
            known,
        )

    def knows_opening(self, account: int) -> bool:
        """Tell whether the ledger has had the opening that the file states."""
        return bool(
            self.run("SELECT 1 FROM known WHERE account = ? AND kind = 'opening'", account)
        )

    def disagreement(self) -> tuple[Row, Known] | None:
        """Find the first row that the ledger knows with another payload: both."""
        row = self.row(
            "SELECT row.* FROM known JOIN row USING (account, kind, id)"
            " WHERE known.at_us <> row.at_us OR known.milli <> row.milli ORDER BY row.line"
        )
        if row is None:
            return None
        ((*known,),) = self.run(
            "SELECT * FROM known WHERE account = ? AND kind = ? AND id = ?",
            *(row.account, row.kind, row.id),
        )
        return row, Known._make(known)

    def half_known_transfer(self) -> Row | None:
        """Find the first transfer of which the ledger knows one leg only."""
        return self.row(
            "SELECT * FROM new_row WHERE kind IN ('transfer-out', 'transfer-in')"
            " GROUP BY line HAVING COUNT(*) = 1 ORDER BY line"
        )

    # --- what there is to record -------------------------------------------------------

    def opening(self, account: int) -> Row | None:
        return self.row("SELECT * FROM row WHERE account = ? AND kind = 'opening'", account)

    def first(self, account: int) -> Row | None:
        """Give an account's first row, in time."""
        return self.row("SELECT * FROM row WHERE account = ? ORDER BY at_us, line", account)

    def first_new_movement(self, account: int) -> Row | None:
        """Give the first movement of an account that is to be recorded, in time."""
        return self.row(
            "SELECT * FROM new_row WHERE account = ? AND kind <> 'opening'"
            " ORDER BY at_us, line",
            account,
        )

    def moved(self, account: int, from_us: int, until_us: int) -> int:
        """Sum what the rows to record move from one instant until before another."""
        ((milli,),) = self.run(
            "SELECT COALESCE(SUM(milli), 0) FROM new_row WHERE account = ?"
            " AND kind <> 'opening' AND at_us >= ? AND at_us < ?",
            *(account, from_us, until_us),
        )
        return int(milli)

    def count(self) -> Iterator[tuple[int, RowKind, int]]:
        """Count the rows to record, by account and kind."""
        yield from self.each(
            "SELECT account, kind, COUNT(*) FROM new_row GROUP BY account, kind"
        )

    def count_own(self) -> Iterator[tuple[int, int]]:
        """Count the rows that an earlier run of the file recorded, by account."""
        yield from self.each(
            "SELECT account, COUNT(*) FROM known WHERE own AND kind <> 'transfer-in'"
            " GROUP BY account"
        )

    def movements(self) -> Iterator[Row]:
        """Give the movements to record that are no lines; a transfer by its sending leg."""
        return self.rows(
            "SELECT * FROM new_row WHERE kind NOT IN ('opening', 'transfer-in')"
            " ORDER BY at_us, line"
        )

    def known_recharges(self) -> Iterator[Row]:
        """Give the purchases that the ledger knows and the file calls automatic."""
        return self.rows(
            "SELECT row.* FROM row JOIN known USING (account, kind, id)"
            " WHERE row.said = 'recharge' ORDER BY row.line"
        )
