"""What a command that is told to end leaves behind: the file that was there, and no other."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

STORY = """
    customer ab12345-ovh
    account sms-ab12345-1
    2026-10-01 08:00 opening 5
"""

# Waits when all is written, before the file gets its name.
WAITS = """
import os, sys, time
from cli import main
def waits(handle):
    print("written", flush=True)
    time.sleep(60)
os.fsync = waits
main()
"""


@pytest.mark.parametrize(
    ("told", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
@pytest.mark.parametrize("words", [["dump", "--force"], ["bal", "-O", "csv", "-o"]])
def test_a_command_that_is_told_to_end_leaves_the_file_as_it_was_and_none_beside_it(
    sqlite_books, tmp_path, words, told, status
):
    sqlite_books.draw(STORY)
    there = tmp_path / "there"
    there.mkdir()
    file = there / "kept.csv"
    file.write_text("kept")
    whole = [sys.executable, "-c", WAITS, "--database", str(sqlite_books.path), *words]
    with subprocess.Popen(
        [*whole, str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        process.send_signal(told)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err.count("Traceback")) == (status, 0), err
    assert (list(there.iterdir()), file.read_text()) == ([file], "kept")


def test_a_file_may_have_a_name_as_long_as_names_can_be(sqlite_books, tmp_path):
    sqlite_books.draw(STORY)
    file = tmp_path / f"{'é' * 125}.csv"
    assert sqlite_books.type("bal", "-o", str(file)).status == 0
    assert file.read_text().startswith("customer,account,")


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="needs /dev/stdout")
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1"])
def test_what_goes_to_a_name_of_the_output_is_added_where_the_output_goes(
    sqlite_books, tmp_path, name
):
    sqlite_books.draw(STORY)
    file = tmp_path / "all.csv"
    file.write_text("kept\n")
    program = [sys.executable, "-c", "from cli import main; main()"]
    words = ["--database", str(sqlite_books.path), "bal", "-O", "csv", "-o", name]
    with file.open("a") as out:
        subprocess.run([*program, *words], stdout=out, check=True)
    assert file.read_text().startswith("kept\ncustomer,account,")
