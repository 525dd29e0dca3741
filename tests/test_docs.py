"""The documentation cannot go stale: every command is in it, every example is run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib import import_module

import click
import pytest
from console import ROOT, Example, documents, examples
from rigs import Rig, rig

import cli

STORIES = [path for path in documents() if any(examples(path))]

# What only a person at a terminal does, or what the tests themselves are.
NOT_RUN = ("make test", "sms-ledger sandbox serve")
SAME_AS = {"make demo": "sms-ledger demo"}


def commands() -> Iterator[tuple[str, click.Command]]:
    """Give every command with its full name."""
    for name, (place, _) in cli.COMMANDS.items():
        module, _, attribute = place.partition(":")
        command = getattr(import_module(module), attribute)
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {sub}", one) for sub, one in command.commands.items())


COMMANDS = dict(commands())


LEAVES = [name for name, command in COMMANDS.items() if not isinstance(command, click.Group)]


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_has_help_that_ends_with_a_runnable_example(name):
    command = COMMANDS[name]
    text = f"{command.help or ''}\n{command.epilog or ''}".strip()
    found = re.search(r"Example: sms-ledger (.+)$", text, re.DOTALL)
    assert found, f"`{name} --help` does not end with an example"
    assert name in " ".join(found[1].split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_place_in_the_reference(name):
    reference = (ROOT / "docs/reference/commands.md").read_text()
    assert re.search(rf"^#+ `?(sms-ledger )?{re.escape(name)}`?$", reference, re.MULTILINE)


def test_every_link_in_the_documentation_leads_somewhere():
    for document in documents():
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text()):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_topics_in_the_documentation_are_those_of_the_events():
    from ledger.events import BY_TOPIC

    text = (ROOT / "docs/concepts/events.md").read_text()
    assert set(re.findall(r"`(sms\.[a-z-]+\.[0-9]+)`", text)) == set(BY_TOPIC)


@pytest.mark.parametrize("document", STORIES, ids=lambda path: path.stem)
def test_the_examples_of_a_document_print_what_it_says(document, sqlite, tmp_path, monkeypatch):
    with rig(tmp_path, "default", profile="play", store=sqlite) as made:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("SMS_LEDGER_DATABASE", made.database)
        monkeypatch.setenv("SMS_LEDGER_ACTOR", "anna")
        origin = made.ovh.url.removesuffix("/1.0")
        monkeypatch.setenv("SMS_LEDGER_SANDBOX_DO_URL", origin)
        _write_files(document.read_text(), tmp_path)
        if "reference" in document.parts:
            made.sync()
        for example in examples(document):
            if not example.command.startswith(NOT_RUN):
                _check(made, example)


def _check(made: Rig, example: Example) -> None:
    program, *words = shlex.split(SAME_AS.get(example.command, example.command))
    assert program == "sms-ledger", example
    ran = made.run(words)
    assert example.matches(ran.screen), f"{example.file}: $ {example.command}\n{ran.screen}"


def _write_files(text: str, folder) -> None:
    """Write the files that a document shows: a csv block, named in the sentence before it."""
    for name, content in re.findall(
        r"`([a-z0-9-]+\.csv)`[^`]*?\n+```csv\n(.*?)```", text, re.DOTALL
    ):
        (folder / name).write_text(content)
