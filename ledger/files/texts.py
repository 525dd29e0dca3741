"""The physical lines of a segment as text, each checked to be some."""

from __future__ import annotations

import io
from collections.abc import Iterator

from ledger.errors import BadFile
from ledger.files.origin import LONGEST_LINE, UTF16_BOMS


def texts(file: str, raw: bytes, first_line: int) -> Iterator[tuple[int, str]]:
    """Give every line with its number and its end. Raises BadFile."""
    for line, one in enumerate(io.BytesIO(raw), first_line):
        yield line, _text(file, line, one)


def _text(file: str, line: int, raw: bytes) -> str:
    if len(raw) >= LONGEST_LINE:
        found = f"one of more than {LONGEST_LINE} bytes"
        raise BadFile(file, line=line, expected="a line of text", found=found)
    if raw.startswith(UTF16_BOMS) and line == 1:
        found = "UTF-16: save the file as UTF-8"
        raise BadFile(file, line=line, expected="UTF-8", found=found)
    if b"\0" in raw:
        found = "a NUL byte: is it a text file?"
        raise BadFile(file, line=line, expected="text", found=found)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        found = f"byte 0x{raw[error.start]:02x}: save the file as UTF-8"
        raise BadFile(file, line=line, expected="UTF-8", found=found) from None
