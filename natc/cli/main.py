"""`natc`: the command group, and what happens when something goes wrong."""

import importlib
import os
import sys
from contextlib import suppress

import click

from natc import __version__
from natc.cli.errors import INTERRUPTED, OK, UNABLE

COMMANDS = {
    "compile": "Turn a policy into iptables-restore text.",
    "diff": "Show the packets that two rule sets treat differently.",
    "fmt": "Write policies in their canonical form.",
    "lint": "Find what is wrong or suspicious in policies and rules that exist.",
    "test": "Check what a policy promises, in a model or a real kernel.",
    "trace": "Tell what becomes of a packet, and which rules decide.",
    "import": "Make a policy of rules that exist, as iptables-save prints them.",
    "rules": "List everything that natc can find.",
    "explain": "Explain a finding.",
}
"""Command to its help line, here so that `natc --help` loads no command."""

ON_A_GATEWAY = (
    "plan",
    "doctor",
    "apply",
    "confirm",
    "rollback",
    "remove",
    "install-boot",
    "status",
    "watch",
)
"""Commands that act on a running gateway."""

_ALL = (*COMMANDS, *ON_A_GATEWAY)


class Commands(click.Group):
    """Loads a command's module when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of a policy's life."""
        return list(_ALL)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, loading only what it needs."""
        if cmd_name not in _ALL:
            return None
        module = importlib.import_module(f"natc.cli.{cmd_name.replace('-', '_')}_command")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            rows = [*COMMANDS.items(), ("gateway:", f"{', '.join(ON_A_GATEWAY)}.")]
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command when there is no such command."""
        if args and args[0] not in _ALL and not args[0].startswith("-"):
            from difflib import get_close_matches  # noqa: PLC0415 - start-up

            near = get_close_matches(args[0], _ALL, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            ctx.fail(f"No such command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="natc %(version)s")
def natc() -> None:
    """Compile, lint and prove Linux NAT policies.

    \b
    natc compile office.nat | iptables-restore --noflush
    natc apply office.nat --confirm 30
    Exit codes: 0 all well, 1 findings, 2 wrong usage, 3 natc could not do it.
    """  # noqa: D301 - click's mark for text that is not to be wrapped


def run(failed: BaseException | None = None) -> None:
    """Run natc as a program: never a traceback, unless NATC_DEBUG is set.

    Args:
        failed: what ended a run that did without click; None to run the command.
    """
    code = UNABLE
    try:
        with suppress(OSError):  # Standard error may be as full as standard output.
            code = _exit_code(failed)
        if sys.stdout is not None:  # `>&-` closed it.
            sys.stdout.flush()
    except OSError:  # Python would try the rest once more at the end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _exit_code(failed: BaseException | None) -> int:
    try:
        if failed is not None:
            raise failed
        code = natc.main(prog_name="natc", standalone_mode=False)
    except click.Abort:
        return INTERRUPTED
    except KeyboardInterrupt:
        click.echo(err=True)  # As click does.
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:  # Nobody reads what is printed any more.
        return 1
    except OSError as error:
        click.echo(f"natc: {error.strerror or error}", err=True)
        return UNABLE
    except Exception as error:  # noqa: BLE001 - the last line of defence
        _confess(error)
        return UNABLE
    return code if isinstance(code, int) else OK


def _confess(error: Exception) -> None:
    if os.environ.get("NATC_DEBUG"):
        import traceback  # noqa: PLC0415 - start-up

        traceback.print_exc()
    words = " ".join(sys.argv[1:])
    click.echo(
        f"natc: this is a bug in natc {__version__}: {type(error).__name__}: {error}\n"
        f"  command: natc {words}\n"
        "  set NATC_DEBUG=1 to see where, and please report it",
        err=True,
    )
