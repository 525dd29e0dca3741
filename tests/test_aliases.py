"""Aliases: what stands for a label that could hold personal data."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from books import Books

from ledger import aliases as module
from ledger.aliases import Aliases
from ledger.database import Database, connect
from ledger.errors import InvalidValue

CUSTOMER = "ab12345-ovh"


@pytest.fixture
def database(books: Books) -> Iterator[Database]:
    with closing(books.database()) as opened:
        yield opened


def table(database: Database) -> list[tuple[object, ...]]:
    return list(database.execute("SELECT customer, kind, meaning, alias FROM alias"))


@pytest.mark.parametrize("text", ["newsletter", "spring_2026", "a.b-c", "1234"])
def test_a_plain_word_is_kept_as_it_is(database: Database, text: str) -> None:
    assert Aliases(database).keep(CUSTOMER, "tag", text) == text
    assert table(database) == []


@pytest.mark.parametrize(
    "text", ["+393331234567", "anna@example.org", "Anna Rossi", "x12345", "é", "x" * 33, "~x"]
)
def test_anything_else_gets_a_random_alias(database: Database, text: str) -> None:
    aliases = Aliases(database)
    alias = aliases.keep(CUSTOMER, "tag", text)
    assert alias is not None
    assert re.fullmatch(r"~[0-9a-f]{10}", alias)
    assert aliases.meaning(alias) == text
    assert aliases.keep(CUSTOMER, "tag", text) == alias


@pytest.mark.parametrize("text", ["", None])
def test_no_label_stays_no_label(database: Database, text: str | None) -> None:
    assert Aliases(database).keep(CUSTOMER, "user", text) is None


def test_an_alias_outlives_the_program(database: Database) -> None:
    alias = Aliases(database).keep(CUSTOMER, "user", "Anna Rossi")
    assert Aliases(database).keep(CUSTOMER, "user", "Anna Rossi") == alias


def test_customers_and_kinds_have_aliases_of_their_own(database: Database) -> None:
    aliases = Aliases(database)
    made = {
        aliases.keep(CUSTOMER, "user", "Anna Rossi"),
        aliases.keep(CUSTOMER, "tag", "Anna Rossi"),
        aliases.keep("cd67890-ovh", "user", "Anna Rossi"),
    }
    assert len(made) == 3


def test_the_uuid_of_a_batch_is_kept_but_no_other_run_of_digits(database: Database) -> None:
    aliases = Aliases(database)
    uuid = "01234567-89ab-cdef-0123-456789abcdef"
    assert aliases.keep(CUSTOMER, "batch", uuid) == uuid
    assert aliases.keep(CUSTOMER, "batch", "393331234567") != "393331234567"
    assert aliases.keep(CUSTOMER, "tag", uuid) != uuid


def test_an_erased_alias_means_nothing_any_more(database: Database) -> None:
    aliases = Aliases(database)
    alias = aliases.keep(CUSTOMER, "tag", "Anna Rossi")
    assert alias is not None
    aliases.erase([alias, alias])
    assert aliases.meaning(alias) is None
    assert table(database) == []


def test_a_label_that_comes_again_after_it_was_erased_gets_another_alias(
    database: Database,
) -> None:
    aliases = Aliases(database)
    alias = aliases.keep(CUSTOMER, "tag", "Anna Rossi")
    assert alias is not None
    aliases.erase([alias])
    assert aliases.keep(CUSTOMER, "tag", "Anna Rossi") not in {None, alias, "Anna Rossi"}


def test_of_several_aliases_all_are_erased_or_none(database: Database) -> None:
    aliases = Aliases(database)
    alias = aliases.keep(CUSTOMER, "tag", "Anna Rossi")
    assert alias is not None
    with pytest.raises(InvalidValue, match=r"found '~none'.*nothing was erased"):
        aliases.erase([alias, "~none"])
    assert aliases.meaning(alias) == "Anna Rossi"


def test_a_random_word_that_is_taken_is_drawn_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter(["aa" * 5, "aa" * 5, "bb" * 5])
    monkeypatch.setattr(module.secrets, "token_hex", lambda _: next(drawn))
    aliases = Aliases(database)
    assert aliases.keep(CUSTOMER, "tag", "one thing") == "~" + "aa" * 5
    assert aliases.keep(CUSTOMER, "tag", "another thing") == "~" + "bb" * 5


def test_the_memory_of_aliases_is_bounded(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MEMO_LIMIT", 10)
    aliases = Aliases(database)
    texts = [f"label {n}" for n in range(25)]
    kept = [aliases.keep(CUSTOMER, "tag", text) for text in texts]
    assert [aliases.keep(CUSTOMER, "tag", text) for text in texts] == kept
    assert len(aliases._memo) <= 10


def test_many_labels_are_kept_together(database: Database) -> None:
    kept = Aliases(database).keep_all(CUSTOMER, "tag", ["plain", "not plain", None, ""])
    assert kept["plain"] == "plain"
    assert kept[None] is None
    assert kept[""] is None
    assert [(row[2], row[3]) for row in table(database)] == [("not plain", kept["not plain"])]


def test_programs_that_meet_one_label_at_once_agree_on_its_alias(database: Database) -> None:
    texts = [f"label {n}" for n in range(20)]
    found: list[list[str | None]] = []
    ready = threading.Barrier(4)

    def meet() -> None:
        own = connect(database.address)
        aliases = Aliases(own)
        ready.wait()
        found.append([aliases.keep(CUSTOMER, "tag", text) for text in texts])
        own.close()

    programs = [threading.Thread(target=meet) for _ in range(4)]
    for program in programs:
        program.start()
    for program in programs:
        program.join()
    assert len(found) == 4
    assert all(one == found[0] for one in found)
    assert len(table(database)) == len(texts)
