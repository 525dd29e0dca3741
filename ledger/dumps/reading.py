"""Reading a dump: every line is proved before it is given, and the whole by its last line."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import IO, Final

from ledger.canonical import decode, leaf
from ledger.dumps.beside import is_known
from ledger.dumps.form import (
    FAMILY,
    FORMAT,
    BadDump,
    Digests,
    Entry,
    Header,
    Kept,
    Line,
    Totals,
    format_of,
    parse,
)
from ledger.errors import IntegrityFailure, Misuse
from ledger.totals import Recorded

# Far longer than any event: a file of another nature must not fill the memory.
LONGEST_LINE: Final = 1 << 26


class Dump:
    """An open dump. `header` is read at once, `records` give the rest. Raises BadDump."""

    def __init__(self, handle: IO[bytes], name: str) -> None:
        self.name = name
        self.number = 0
        self._handle = handle
        self._digests = Digests()
        self._versions: dict[str, int] = {}
        self.header = self._header()
        self.totals: Totals | None = None

    def records(self) -> Iterator[Recorded | Kept]:
        """Give the events in the order of the log, then the rows beside it."""
        while True:
            raw = self._raw("the last line, with totals")
            line = self._parsed(raw)
            match line:
                case Entry():
                    yield self._event(line)
                case Kept():
                    yield self._kept(line)
                case Totals():
                    self._finish(line)
                    return
                case Header():
                    raise self.bad("one header", "another one")
            self._digests.count(raw, line)

    def bad(self, expected: str, found: str) -> BadDump:
        return BadDump(self.name, line=self.number, expected=expected, found=found)

    # --- lines -------------------------------------------------------------------------

    def _raw(self, expected: str) -> bytes:
        self.number += 1
        raw = self._read()
        if not raw:
            raise self.bad(expected, "the end of the file: it was cut off")
        if len(raw) > LONGEST_LINE:
            raise self.bad(expected, f"a line of more than {LONGEST_LINE} bytes")
        return raw

    def _read(self) -> bytes:
        try:
            return self._handle.readline(LONGEST_LINE + 1)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise self.bad("a whole gzip file", f"that it breaks off ({error})") from error
        except OSError as error:
            msg = f"expected to read {self.name}, found that it fails ({error.strerror})"
            raise Misuse(msg) from error

    def _parsed(self, raw: bytes) -> Line:
        if not raw.endswith(b"\n"):
            raise self.bad("a whole line", "its beginning alone: the file was cut off")
        try:
            return parse(raw)
        except ValueError as error:
            raise self.bad("a line of a dump", str(error)) from error

    def _header(self) -> Header:
        raw = self._raw(f"the header of a {FORMAT}")
        found = format_of(raw)
        if found is None:
            raise self.bad(f"the header of a {FORMAT}", "something else: it is no dump")
        if found != FORMAT:
            newer = "; a newer sms-ledger wrote it, update the program"
            raise self.bad(FORMAT, f"{found!r}{newer if found.startswith(FAMILY) else ''}")
        line = self._parsed(raw)
        if not isinstance(line, Header):
            raise self.bad(f"the header of a {FORMAT}", "another line")
        self._digests.count(raw, line)
        return line

    # --- proofs ------------------------------------------------------------------------

    def _event(self, entry: Entry) -> Recorded:
        self._in_its_place(entry)
        digest = leaf(entry.stream, entry.version, entry.topic, entry.state).hex()
        if digest != entry.leaf:
            raise self.bad(f"an event with the digest {entry.leaf}", digest)
        try:
            event = decode(entry.topic, entry.state)
        except IntegrityFailure as error:
            raise self.bad("an event that this program reads", str(error)) from error
        return Recorded(entry.stream, entry.version, entry.topic, entry.state, event)

    def _in_its_place(self, entry: Entry) -> None:
        """Positions have no holes, nor the versions of a stream."""
        next_position = self._digests.events + 1
        if entry.position != next_position or self._digests.rows:
            raise self.bad(f"position {next_position}", f"position {entry.position}")
        next_version = self._versions.get(entry.stream, 0) + 1
        if entry.version != next_version:
            found = f"version {entry.version}"
            raise self.bad(f"version {next_version} of {entry.stream}", found)
        self._versions[entry.stream] = next_version

    def _kept(self, kept: Kept) -> Kept:
        if not is_known(kept):
            raise self.bad("a row of a table that this program knows", repr(kept.table))
        return kept

    def _finish(self, totals: Totals) -> None:
        counted = self._digests.totals()
        if totals.events != self.header.events:
            raise self.bad(f"totals of {self.header.events} events", f"of {totals.events}")
        for field in Totals.__struct_fields__:
            expected, found = getattr(totals, field), getattr(counted, field)
            if expected != found:
                raise self.bad(f"lines with the total {field} {expected}", f"{found}")
        self.number += 1
        if self._read():
            raise self.bad("the end of the file", "more lines")
        self.totals = totals
