"""Fixtures that many tests share."""

from __future__ import annotations

import pytest
from books import Books, books_in


@pytest.fixture
def books(tmp_path) -> Books:
    """An empty ledger, to be drawn."""
    return books_in(tmp_path)
