"""Aliases: random words that stand for labels which could hold personal data.

Events keep a label only when `names.may_be_kept`; anything else is kept as its alias, whose
meaning lives in the `alias` table, outside the log, where it may be erased. An alias tells
nothing of what it stands for: it is random, never derived.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

from ledger.database import Database
from ledger.errors import DatabaseBusy, InvalidValue
from ledger.names import ALIAS_MARK, may_be_kept

LabelKind = Literal["tag", "user", "batch"]

_ALIAS_BYTES: Final = 5  # ten hexadecimal digits

# How many labels of a kind are remembered, of the customer at hand: a file may bring one of its
# own with every row.
_MEMO_LIMIT: Final = 20_000

# How long those who read the file are waited for when its write-ahead log is to be emptied.
_PATIENCE_MS: Final = 500

# OVH names a batch by a UUID: no person stands in one, though its digits may run.
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Aliases:
    """The labels of one ledger. Each new alias is a small transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._customer: str | None = None
        self._memo: dict[LabelKind, dict[str, str]] = {}

    def keep(self, customer: str, kind: LabelKind, text: str | None) -> str | None:
        """Give what an event may keep for a label: itself, or its alias; nothing for none."""
        return self.keep_all(customer, kind, [text])[text] if text else None

    def keep_all(
        self, customer: str, kind: LabelKind, texts: Iterable[str | None]
    ) -> dict[str | None, str | None]:
        """Give for each label what an event may keep; new aliases in one transaction."""
        if customer != self._customer:
            self._customer, self._memo = customer, {}
        memo = self._memo.setdefault(kind, {})
        wanted = {text for text in texts if text}
        missing = wanted - memo.keys()
        if len(memo) + len(missing) > _MEMO_LIMIT:
            memo.clear()
            missing = wanted
        plain = {text for text in missing if _is_plain(kind, text)}
        memo.update(zip(plain, plain, strict=True))
        if missing > plain:
            memo.update(self._find_or_make(customer, kind, missing - plain))
        return {None: None, "": None, **{text: memo[text] for text in wanted}}

    def meaning(self, alias: str) -> str | None:
        """Give what an alias stands for; None where it was erased or never made."""
        rows = self._database.execute(
            "SELECT meaning FROM alias WHERE alias = :alias", alias=alias
        )
        return str(rows[0][0]) if rows else None

    def erase(self, aliases: Iterable[str]) -> None:
        """Forget for ever what aliases stand for, all or none. Raises InvalidValue.

        The events keep the random words, which tell nothing any more. A label that comes again
        gets another one.
        """
        on_file = isinstance(self._database.address, Path)
        if on_file:  # else the bytes would stay in the file
            self._database.execute("PRAGMA secure_delete = ON")
        with self._database.transaction():
            for alias in dict.fromkeys(aliases):
                found = self._database.execute(
                    "DELETE FROM alias WHERE alias = :alias RETURNING alias", alias=alias
                )
                if not found:
                    msg = (
                        f"expected an alias that stands for something, found {alias!r}: see"
                        " `sms-ledger privacy list`; nothing was erased"
                    )
                    raise InvalidValue(msg)
        self._memo = {}
        if on_file:
            self._empty_the_log_of_the_file()

    def _empty_the_log_of_the_file(self) -> None:
        """Bring the write-ahead log into the file and empty it. Raises DatabaseBusy."""
        self._database.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
        ((busy, *_),) = self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if busy:
            msg = (
                "the aliases are erased; expected to empty the write-ahead log of the file too,"
                " found others reading it: it is emptied when the last of them ends"
            )
            raise DatabaseBusy(msg)

    def _find_or_make(
        self, customer: str, kind: LabelKind, texts: Iterable[str]
    ) -> dict[str, str]:
        found = {text: self._find(customer, kind, text) for text in texts}
        missing = sorted(text for text, alias in found.items() if alias is None)
        if missing:
            with self._database.transaction():
                found.update((text, self._make(customer, kind, text)) for text in missing)
        return {text: alias for text, alias in found.items() if alias is not None}

    def _find(self, customer: str, kind: LabelKind, text: str) -> str | None:
        rows = self._database.execute(
            "SELECT alias FROM alias"
            " WHERE customer = :customer AND kind = :kind AND meaning = :meaning",
            customer=customer,
            kind=kind,
            meaning=text,
        )
        return str(rows[0][0]) if rows else None

    def _make(self, customer: str, kind: LabelKind, text: str) -> str:
        """Make an alias, or take the one that another program made meanwhile."""
        while True:
            self._database.execute(
                "INSERT INTO alias (customer, kind, meaning, alias)"
                " VALUES (:customer, :kind, :meaning, :alias) ON CONFLICT DO NOTHING",
                customer=customer,
                kind=kind,
                meaning=text,
                alias=ALIAS_MARK + secrets.token_hex(_ALIAS_BYTES),
            )
            # None where the random word was taken by another label: draw again.
            if (alias := self._find(customer, kind, text)) is not None:
                return alias


def _is_plain(kind: LabelKind, text: str) -> bool:
    """Tell whether a label may stand in an event as it is."""
    return may_be_kept(text) or (kind == "batch" and _UUID.fullmatch(text) is not None)
