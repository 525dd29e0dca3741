"""`sms-ledger sandbox`: a fake OVH on this machine, to try everything without paying."""

import signal
from pathlib import Path
from typing import Any, NoReturn

import click

DEFAULT_PORT = 8899
EXAMPLE = "sms-ledger sandbox"
INTERRUPTED = 130
WAIT_S = 60


class Misuse(click.ClickException):
    """Something on the command line cannot be done; the message says what can."""

    exit_code = 2


@click.group()
def sandbox() -> None:
    """Run a fake OVH on loopback, and make things happen in it."""


@sandbox.command(
    epilog=f"Example: {EXAMPLE} serve --port 8899 --write-profile sandbox ovh.conf"
)
@click.option("--port", default=DEFAULT_PORT, show_default=True, help="0 picks a free one.")
@click.option("--seed", default=1, show_default=True, help="The same seed, the same world.")
@click.option("--scenario", default="default", show_default=True, help="See `scenarios`.")
@click.option("--messages", default=0, help="About how many messages; 0 is the scenario's own.")
@click.option("--now", metavar="ISO", help="Where history ends; default: this moment.")
@click.option("--frozen", is_flag=True, help="Time moves only by `sandbox do advance`.")
@click.option("--knob", "knobs", multiple=True, metavar="NAME=VALUE", help="See `knobs`.")
@click.option(
    "--write-profile",
    nargs=2,
    type=(str, click.Path(dir_okay=False, path_type=Path)),
    metavar="NAME FILE",
    help="Write the keys into an ovh.conf, as profiles NAME, NAME-2 …",
)
def serve(
    *,
    port: int,
    seed: int,
    scenario: str,
    messages: int,
    now: str | None,
    frozen: bool,
    knobs: tuple[str, ...],
    write_profile: tuple[str, Path] | None,
) -> None:
    """Serve the fake OVH until it is interrupted."""
    from ledger.sandbox.clock import Clock
    from ledger.sandbox.server import PortInUse, Server
    from ledger.sandbox.service import Service

    world = _world(seed=seed, scenario=scenario, messages=messages, now=now, knobs=knobs)
    try:
        server = Server(Service(world, Clock(world.now, frozen=frozen)), port=port)
    except PortInUse as taken:
        raise Misuse(
            f"port {port} is taken by another program; type --port {port + 1},"
            " or --port 0 for any free port"
        ) from taken
    profiles = _write_profiles(server, write_profile)
    at = _shown(world.now, world.knobs.time_zone)
    click.echo(f"sandbox: {server.url} (seed {seed}, scenario {scenario}, now {at}){profiles}")
    _run(server)


@sandbox.command(epilog=f"Example: {EXAMPLE} do gift account=sms-ab12345-1 credits=25")
@click.argument("action")
@click.argument("parameters", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--port", default=DEFAULT_PORT, show_default=True, help="Where it listens.")
@click.option("--url", help="Where it listens, as a URL; wins over --port.")
def do(*, action: str, parameters: tuple[str, ...], port: int, url: str | None) -> None:
    """Make ACTION happen in a running sandbox; `sandbox actions` lists them."""
    base = _origin(url or f"http://127.0.0.1:{port}")
    click.echo(_posted(f"{base}/sandbox/do/{action}", _pairs(parameters)))


@sandbox.command(name="knobs", epilog=f"Example: {EXAMPLE} knobs")
def list_knobs() -> None:
    """List every knob: what OVH does not document, and how the sandbox behaves."""
    from ledger.sandbox.knobs import listed

    for knob in listed():
        click.echo(f"{knob.name}={knob.default}\n    {knob.text}  [{knob.values}]")


@sandbox.command(name="scenarios", epilog=f"Example: {EXAMPLE} scenarios")
def list_scenarios() -> None:
    """List the scenarios that a sandbox can start with."""
    from ledger.sandbox.scenario import SCENARIOS

    for name, scenario in SCENARIOS.items():
        click.echo(f"{name:10}{scenario.text}")


@sandbox.command(name="actions", epilog=f"Example: {EXAMPLE} actions")
def list_actions() -> None:
    """List what `sandbox do` can make happen, and the kinds of faults."""
    from ledger.sandbox.actions import ACTIONS, parameters
    from ledger.sandbox.faults import KINDS

    for name, action in ACTIONS.items():
        click.echo(f"{name}: {(action.__doc__ or '').strip()}\n    {parameters(action)}")
    click.echo("\nkinds of faults:")
    for kind, text in KINDS.items():
        click.echo(f"    {kind:10}{text}")


def _world(
    *, seed: int, scenario: str, messages: int, now: str | None, knobs: tuple[str, ...]
) -> Any:
    import time

    from ledger.sandbox import World, moments
    from ledger.sandbox.knobs import UnknownKnob, turned
    from ledger.sandbox.scenario import UnknownScenario

    try:
        at = moments.seconds(now) if now else int(time.time())
    except ValueError as wrong:
        message = f"--now takes a time like 2026-11-20T10:00:00+01:00, not {now}"
        raise Misuse(message) from wrong
    try:
        return World.from_scenario(scenario, seed, at, turned(_pairs(knobs)), messages)
    except (UnknownKnob, UnknownScenario) as unknown:
        raise Misuse(str(unknown)) from unknown


def _run(server: Any) -> None:
    """Serve until Ctrl-C (status 130) or SIGTERM (status 0)."""

    def end(*_: object) -> NoReturn:
        raise click.exceptions.Exit(0)

    signal.signal(signal.SIGTERM, end)
    try:
        server.run()
    except KeyboardInterrupt as interrupted:
        raise click.exceptions.Exit(INTERRUPTED) from interrupted


def _write_profiles(server: Any, wanted: tuple[str, Path] | None) -> str:
    from ledger.sandbox import profiles

    if wanted is None:
        return ""
    name, path = wanted
    written = profiles.write(path, name, server.url, server.service.credentials.values())
    return f" profiles {', '.join(written)} in {path}"


def _pairs(texts: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    wrong = [name for name, equals, _ in pairs if not equals]
    if wrong:
        raise Misuse(f"expected KEY=VALUE, found {wrong[0]!r}; type {wrong[0]}=VALUE")
    return {name: value for name, _, value in pairs}


def _posted(url: str, parameters: dict[str, str]) -> str:
    """Call the control surface, and give back what it says."""
    import json
    from urllib import error, request

    body = json.dumps(parameters).encode()
    asked = request.Request(url, data=body, method="POST")  # noqa: S310 - see _origin
    direct = request.build_opener(request.ProxyHandler({}))  # loopback, never by a proxy
    try:
        with direct.open(asked, timeout=WAIT_S) as answer:
            text: str = answer.read().decode()
    except error.HTTPError as refused:
        raise Misuse(_reason(refused.read())) from refused
    except OSError as nobody:
        message = f"no sandbox answers at {url}; type: sms-ledger sandbox serve"
        raise Misuse(message) from nobody
    return text


def _reason(body: bytes) -> str:
    import json

    try:
        return str(json.loads(body)["error"])
    except (ValueError, LookupError, TypeError):
        return "the sandbox refused, and did not say why"


def _origin(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise Misuse(f"expected a URL like http://127.0.0.1:{DEFAULT_PORT}, found {url}")
    return url.removesuffix("/").removesuffix("/1.0").removesuffix("/v1")


def _shown(at: int, zone: str) -> str:
    from ledger.sandbox import moments

    return moments.iso(at, zone)
