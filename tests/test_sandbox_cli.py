"""The commands and the control surface: starting a sandbox, and making things happen."""

import configparser
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import ovh
import ovh.client
import pytest
import requests
from click.testing import CliRunner, Result

from cli.sandbox import sandbox
from ledger.sandbox import World, moments, profiles, serving
from ledger.sandbox.server import Serving

ROOT = Path(__file__).parents[1]
NOW = moments.seconds("2026-11-20T10:00:00+01:00")
FIRST, SECOND = "sms-ab12345-1", "sms-ab12345-2"


def run(*words: str) -> Result:
    return CliRunner().invoke(sandbox, words)


@pytest.fixture
def served() -> Iterator[Serving]:
    with serving(World.from_scenario("small", 1, NOW), frozen=True) as running:
        yield running


class Process:
    """A real `sandbox serve`, in a process of its own."""

    def __init__(self, *options: str) -> None:
        main = "from cli.sandbox import sandbox; sandbox(prog_name='sandbox')"
        self.process = subprocess.Popen(
            [sys.executable, "-c", main, "serve", "--port", "0", *options],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        status = self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


# --- serve


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_serve_says_one_line_and_ends_cleanly(tmp_path: Path, number: int, status: int) -> None:
    file = tmp_path / "ovh.conf"
    options = [
        "--scenario",
        "default",
        "--messages",
        "60",
        "--now",
        "2026-11-20T10:00:00+01:00",
    ]
    running = Process(*options, "--write-profile", "sandbox", str(file))
    try:
        assert re.fullmatch(
            r"sandbox: http://127\.0\.0\.1:\d+/1\.0 \(seed 1, scenario default, now"
            r" 2026-11-20T10:00:00\+01:00\) profiles sandbox, sandbox-2 in .*\n",
            running.line,
        )
        config = configparser.ConfigParser()
        config.read(file)
        assert config["default"]["endpoint"] == "sandbox"
        assert requests.get(f"{config['sandbox']['endpoint_url']}/auth/time", timeout=5).ok
        section = config["sandbox-2"]
        ovh.client.ENDPOINTS["sandbox"] = section["endpoint_url"]
        api = ovh.Client(
            "sandbox",
            application_key=section["application_key"],
            application_secret=section["application_secret"],
            consumer_key=section["consumer_key"],
        )
        api._session.trust_env = False
        assert api.get("/me")["nichandle"] == "cd67890-ovh"
    finally:
        assert running.end(number) == status


def test_a_port_that_is_taken_is_one_line_and_status_2() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ended = run("serve", "--port", str(port), "--scenario", "small")
    assert ended.exit_code == 2
    assert ended.output == (
        f"Error: port {port} is taken by another program; type --port {port + 1},"
        " or --port 0 for any free port\n"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--now", "yesterday"), "--now takes a time"),
        (("--scenario", "none"), "no scenario is called"),
        (("--knob", "none=1"), "no knob is called"),
        (("--knob", "batch"), "expected KEY=VALUE, found 'batch'"),
    ],
)
def test_what_serve_cannot_do_is_misuse(words: tuple[str, ...], told: str) -> None:
    ended = run("serve", *words)
    assert ended.exit_code == 2
    assert told in ended.output


# --- profiles


def test_a_profile_replaces_its_section_and_keeps_the_rest(tmp_path: Path) -> None:
    world = World.from_scenario("small", 1, NOW)
    file = tmp_path / "ovh.conf"
    file.write_text(
        "; mine\n[default]\nendpoint=ovh-eu\n\n[box]\nold=1\n\n# kept\n[ovh-eu]\nx=1\n"
    )
    names = profiles.write(file, "box", "http://127.0.0.1:1/1.0", world.credentials.values())
    text = file.read_text()
    assert names == ["box"]
    assert "old=1" not in text
    assert text.startswith("; mine\n[default]\nendpoint=ovh-eu\n\n[box]\nendpoint_url = ")
    assert text.endswith("# kept\n[ovh-eu]\nx=1\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    profiles.write(file, "box", "http://127.0.0.1:1/1.0", world.credentials.values())
    assert file.read_text() == text


def test_a_new_file_gets_a_default(tmp_path: Path) -> None:
    world = World.from_scenario("default", 1, NOW, messages=60)
    file = tmp_path / "new" / "ovh.conf"
    names = profiles.write(file, "box", "http://127.0.0.1:1/1.0", world.credentials.values())
    config = configparser.ConfigParser()
    config.read(file)
    assert names == ["box", "box-2"]
    assert config["default"]["endpoint"] == "box"
    assert config["box-2"]["requests_per_minute"] == "0"


# --- do


def test_do_prints_what_happened(served: Serving) -> None:
    ended = run("do", "gift", f"account={FIRST}", "credits=2.5", "--port", str(served.port))
    assert ended.exit_code == 0
    assert f'"account":"{FIRST}"' in ended.output
    assert served.world.accounts[FIRST].movements["gift"] == 2_500


def test_do_takes_the_url_of_a_profile(served: Serving) -> None:
    ended = run("do", "advance", "by=1d", "traffic=true", "--url", served.url)
    assert ended.output == '{"now":"2026-11-21T10:00:00+01:00"}\n'


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("none",), "no action is called 'none'"),
        (("gift", "credit=1"), "gift has no credit; it takes account, credits"),
        (("gift", "credits=0.0001"), "finer than a thousandth"),
        (("gift", "account=sms-x-1"), "no account is called 'sms-x-1'"),
        (("send", "count=many"), "send: "),
        (("send", "user=nobody"), "no user 'nobody'"),
        (("advance", "by=soon"), "a duration is like"),
        (("hlr", "count=20000"), "Not enough credits"),
        (("knobs", "knobs=none=1"), "no knob is called"),
        (("gift", "credits"), "expected KEY=VALUE"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_2(
    served: Serving, words: tuple[str, ...], told: str
) -> None:
    ended = run("do", *words, "--port", str(served.port))
    assert ended.exit_code == 2
    assert ended.output.startswith("Error: ")
    assert told in ended.output
    assert ended.output.count("\n") == 1


def test_do_without_a_sandbox_says_how_to_start_one() -> None:
    ended = run("do", "gift", "--url", "http://127.0.0.1:9/1.0")
    assert ended.exit_code == 2
    assert "type: sms-ledger sandbox serve" in ended.output


@pytest.mark.parametrize("command", ["knobs", "scenarios", "actions"])
def test_lists_are_printed(command: str) -> None:
    ended = run(command)
    assert ended.exit_code == 0
    assert len(ended.output.splitlines()) >= 4


@pytest.mark.parametrize("name", sorted(sandbox.commands))
def test_each_commands_help_ends_with_an_example(name: str) -> None:
    ended = run(name, "--help")
    example = ended.output.strip().splitlines()[-1].strip()
    assert example.startswith("Example: sms-ledger sandbox ")
    words = example.removeprefix("Example: sms-ledger sandbox ").split()
    command = sandbox.commands[words[0]]
    assert isinstance(command, click.Command)
    command.make_context(words[0], words[1:])  # the example is understood


# --- the control surface


def control(served: Serving, path: str) -> Any:
    url = served.url.removesuffix("/1.0") + "/sandbox" + path
    return requests.get(url, timeout=5).json()


def test_the_state_tells_credits_in_thousandths(served: Serving) -> None:
    state = control(served, "/state")
    assert state["now"] == NOW
    assert state["frozen"] is True
    first = state["accounts"][FIRST]
    assert first["owned_milli"] == served.world.accounts[FIRST].owned_milli
    assert first["owned_milli"] == sum(first["movements_milli"].values())


def test_requests_are_counted_by_route_and_kept(served: Serving) -> None:
    for path in ("/auth/time", f"/sms/{FIRST}", "/nowhere"):
        requests.get(served.url + path, timeout=5)
    seen = control(served, "/requests?reset=true")
    assert seen["counts"] == {
        "GET /auth/time": 1,
        "GET /sms/{serviceName}": 1,
        "GET /nowhere": 1,
    }
    assert [one["path"] for one in seen["requests"]] == [
        "/auth/time", f"/sms/{FIRST}", "/nowhere",
    ]  # fmt: skip
    assert control(served, "/requests")["total"] == 0
    assert len(served.requests) == 0


def test_secrets_and_dump_are_served(served: Serving) -> None:
    assert control(served, "/secrets") == served.secrets
    assert control(served, "/dump")["seed"] == 1


def test_knobs_can_be_turned_while_it_runs(served: Serving) -> None:
    served.do("knobs", knobs="void=204,fault_rate=0.5")
    assert served.world.knobs.void == "204"
    assert served.service.faults.rate == 0.5


def test_a_key_with_few_rights_can_be_granted(served: Serving) -> None:
    keys = served.do("grant", rules="GET /sms; GET /sms/*", expires_in="1d")
    granted = served.world.credentials[str(keys["consumer_key"])]
    assert [(rule.method, rule.path) for rule in granted.rules] == [
        ("GET", "/sms"), ("GET", "/sms/*"),
    ]  # fmt: skip
    assert granted.expires_at == NOW + moments.DAY


def test_only_loopback_is_listened_on(served: Serving) -> None:
    assert served.url.startswith("http://127.0.0.1:")


def test_serving_ends_and_frees_its_port() -> None:
    world = World.from_scenario("small", 1, NOW)
    with serving(world) as running:
        port = running.port
    with serving(world, port=port) as again:
        assert again.port == port
