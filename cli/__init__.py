"""The edge: one module per noun, imported only when its command runs."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from errno import EPIPE
from importlib import import_module
from typing import Any, Final

import click
from click.exceptions import Exit

from cli.options import FREE_TEXT
from cli.session import Begun, Session
from ledger.database import connect, require_schema
from ledger.errors import IntegrityFailure, LedgerError

INTERRUPTED: Final = 130
INTERNAL: Final = 70
MISUSE: Final = 2

# Command → where it lives, and its line in the overview (so that --help imports none of them).
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "demo": ("cli.demo:demo", "A sandbox, a sync, the reports: the whole story in seconds."),
    "login": ("cli.login:login", "Write a profile whose key has the least rights."),
    "whoami": ("cli.whoami:whoami", "Who the key belongs to, what it may do, until when."),
    "account": ("cli.account:account", "List, show and close SMS accounts."),
    "sync": ("cli.sync:sync", "Read OVH, record what is new, observe the balances."),
    "import": ("cli.import_file:import_file", "Record the movements of a CSV or JSONL file."),
    "bal": ("cli.bal:bal", "The balance of every account."),
    "reg": ("cli.reg:reg", "Movements with their running balance."),
    "stmt": ("cli.stmt:stmt", "The statement of one account."),
    "cost": (
        "cli.cost:cost",
        "What messages cost by month and tag, country, batch, user or kind.",
    ),
    "lots": ("cli.lots:lots", "What was bought, at what cost, what is left, who drew it."),
    "value": ("cli.value:value", "What the credits that are left have cost."),
    "close": ("cli.close:close", "Months of a customer: closed, reopened, what they wait for."),
    "sheet": ("cli.sheet:sheet", "What an accountant books at a period's end."),
    "export": ("cli.export:export", "The books for other programs: journals, entries."),
    "quote": ("cli.quote:quote", "What credits send where, at what price, for a text."),
    "purchase": ("cli.purchase:purchase", "What buying credits would cost."),
    "rates": ("cli.rates:rates", "OVH's rates and prices: read, kept with dates, compared."),
    "forecast": ("cli.forecast:forecast", "How long credits last, and what the month costs."),
    "recharge": (
        "cli.recharge:recharge",
        "Automatic recharge: shown, set, tried on the history.",
    ),
    "transfer": ("cli.transfer:transfer", "Move credits between two accounts of a customer."),
    "recon": ("cli.recon:recon", "Compare the ledger with what OVH said."),
    "audit": ("cli.audit:audit", "Who recorded what, when, why, on what evidence."),
    "privacy": ("cli.privacy:privacy", "What labels stand for, and how to erase it."),
    "check": ("cli.check:check", "Prove that the ledger agrees with itself."),
    "rebuild": ("cli.rebuild:rebuild", "Make the tables behind the reports again."),
    "dump": ("cli.dump:dump", "Write the whole ledger to a file, byte for byte."),
    "load": ("cli.load:load", "Put a dump into an empty ledger, byte for byte."),
    "migrate": ("cli.migrate:migrate", "Bring a database to this program's schema."),
    "roles": ("cli.roles:roles", "Who owns, writes and reads a ledger on PostgreSQL."),
    "sandbox": ("cli.sandbox:sandbox", "A fake OVH on loopback, to try things safely."),
}


class Commands(click.Group):
    """A group that imports a command when it is used, since start-up is felt."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what a damaged ledger brought to an end is told as damage."""
        try:
            return super().invoke(ctx)
        except (LedgerError, click.ClickException, click.Abort, Exit, OSError):
            raise
        except Exception as error:
            if (damage := _damage(ctx.obj)) is not None:
                raise damage from error
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def _damage(session: Session) -> IntegrityFailure | None:
    """Ask whether the ledger is damaged, after a fault that nobody foresaw."""
    if os.environ.get("SMS_LEDGER_DEBUG"):
        return None
    from projections.integrity import damage

    try:
        with closing(connect(session.address, read_only=True)) as database:
            require_schema(database)
            return damage(database)
    except IntegrityFailure as error:
        return error
    except LedgerError:
        return None  # there is no ledger that could be asked


@click.group(cls=Commands, context_settings={"auto_envvar_prefix": "SMS_LEDGER"})
@click.option(
    "--database", metavar="URL", help="A file, or sqlite:///FILE. Default: the user's ledger."
)
@click.option("--profile", metavar="NAME", help="The section of ovh.conf to read OVH with.")
@click.option(
    "--actor", type=FREE_TEXT, metavar="NAME",
    help="Who acts. Default: the operating system's user.",
)  # fmt: skip
@click.option("--no-color", is_flag=True, help="No colours, also on a terminal.")
@click.version_option(package_name="sms-ledger", message="%(prog)s %(version)s")
@click.pass_context
def commands(
    ctx: click.Context,
    database: str | None,
    profile: str | None,
    actor: str | None,
    no_color: bool,
) -> None:
    """The ledger that OVHcloud's SMS credits never had.

    Exit status: 0 clean, 1 findings, 2 misuse, 3 OVH unreachable or incomplete, 4 integrity
    failure, 5 refused by a rule, 6 database unusable, 70 internal, 130 interrupted.

    Example: sms-ledger demo
    """
    ctx.obj = Session(
        database=database,
        profile=profile,
        actor=actor,
        color=not (no_color or "NO_COLOR" in os.environ),
        begun=ctx.find_object(Begun),
    )
    ctx.call_on_close(ctx.obj.close)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with the contract's exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="backslashreplace"
            )  # an old terminal is no reason to fail
    sys.exit(run(argv))


def run(argv: Sequence[str] | None = None) -> int:  # noqa: PLR0911 (one per status)
    """Run the command line; gives the exit status. One line on stderr, never a traceback."""
    begun = Begun()
    try:
        result: Any = commands.main(
            args=argv, prog_name="sms-ledger", standalone_mode=False, obj=begun
        )
        sys.stdout.flush()
    except LedgerError as error:
        return _fail(str(error), error.status)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return MISUSE
    except click.ClickException as error:
        return _fail(_hinted(error), error.exit_code if error.exit_code != 1 else MISUSE)
    except (click.Abort, KeyboardInterrupt):
        whole = "interrupted; what was recorded is whole, run it again to go on"
        return _fail(f"interrupted: {begun.advice}" if begun.advice else whole, INTERRUPTED)
    except OSError as error:
        return _unwritten(error, begun)
    except SystemExit:  # click's answer to a reader that went away
        if begun.advice is None:
            raise
        return _unwritten(BrokenPipeError(EPIPE, os.strerror(EPIPE)), begun)
    except Exception as error:
        if os.environ.get("SMS_LEDGER_DEBUG"):
            raise
        what = f"{type(error).__name__}: {error}"
        return _fail(
            f"internal error ({what}); set SMS_LEDGER_DEBUG=1 for the details", INTERNAL
        )
    return result if isinstance(result, int) else 0


def _fail(message: str, status: int) -> int:
    click.echo(f"sms-ledger: {' '.join(message.split())}", err=True)
    return status


def _hinted(error: click.ClickException) -> str:
    """Say which command's help to read."""
    text = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    return f"{text}; try `{context.command_path} --help`" if context else text


def _unwritten(error: OSError, begun: Begun) -> int:
    """Say that the output cannot be written.

    Where its reader went away, as in `reg | head`, end quietly, unless something was begun.
    """
    said = f"the output cannot be written ({error.strerror or error})"
    if begun.advice:
        _discard_output()
        return _fail(f"{said}: {begun.advice}", INTERNAL)
    if isinstance(error, BrokenPipeError):
        _discard_output()
        return 0
    return _fail(said, MISUSE)


def _discard_output() -> None:
    """Keep what could not be written from being written again as the process ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
