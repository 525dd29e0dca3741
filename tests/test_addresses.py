"""Where a ledger lies, as people write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.database import PostgresAddress, parse_address
from ledger.errors import Misuse


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("ledger.db", Path("ledger.db")),
        ("sqlite:///ledger.db", Path("ledger.db")),
        ("sqlite:////srv/ledger.db", Path("/srv/ledger.db")),
        ("~/ledger.db", Path.home() / "ledger.db"),
    ],
)
def test_a_file_is_named_by_its_path(written, path):
    assert parse_address(written) == path


def test_a_database_of_postgresql_is_named_by_its_address_and_shown_without_its_password():
    address = parse_address("postgresql://anna:secret@db.example/ledger?sslmode=require")
    assert isinstance(address, PostgresAddress)
    assert str(address) == "postgresql://anna@db.example/ledger"


@pytest.mark.parametrize("written", ["mysql://anna:secret@db/ledger", "sqlite://ledger.db"])
def test_another_kind_of_address_is_misuse_and_makes_no_folder(written, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Misuse, match="expected a file, sqlite:///FILE or postgresql") as error:
        parse_address(written)
    assert "secret" not in str(error.value)
    assert not list(tmp_path.iterdir())
