"""`natc install-boot`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from natc.cli.on_gateway import able, tell

if TYPE_CHECKING:
    from natc.host.boot.files import File, Machine
    from natc.host.generation import Generation

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("install-boot")
@click.option(
    "--script",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Write a shell script there, for systems without systemd.",
)
@click.option("--enable", is_flag=True, help="Have systemd run it at boot.")
@click.option("--now", is_flag=True, help="Set the kernel settings at once as well.")
@click.option("--no-sysctl", is_flag=True, help="Leave kernel settings alone.")
@click.option("--root", type=_FOLDER, metavar="DIR", help="Of an image, instead of `/`.")
@click.option(
    "--remove", is_flag=True, help="Take everything away again; name the same --script, if any."
)
@click.option("--dry-run", is_flag=True, help="Print what would be written.")
def command(
    *,
    script: Path | None,
    enable: bool,
    now: bool,
    no_sysctl: bool,
    root: Path | None,
    remove: bool,
    dry_run: bool,
) -> None:
    """Have the confirmed rules come back at boot, before the network is up.

    \b
    natc install-boot --enable
    natc install-boot --script /etc/network/if-pre-up.d/natc

    Writes a systemd unit, the shell script that it runs, which needs neither natc nor Python, and
    a file for sysctl.d with what the rules need, such as forwarding.
    """  # noqa: D301
    from natc.host.boot import files as boot  # noqa: PLC0415 - start-up
    from natc.host.store import Store  # noqa: PLC0415

    _check_options(script, enable=enable, now=now, no_sysctl=no_sysctl, root=root)
    place = None if script is None else (script if root else script.absolute())
    machine = boot.Machine(root.resolve() if root else Path("/"), place, Store())
    with able():
        if remove:
            _remove(machine, is_dry=dry_run)
            return
        generation = boot.confirmed(machine)
        files = boot.files(machine, generation, has_sysctl=not no_sysctl)
        if dry_run:
            for file in files:
                click.echo(f"# {file.path}\n{file.text}")
            return
        for path in boot.write(machine, files):
            gone = path not in {file.path for file in files}
            tell(f"{'removed' if gone else 'wrote'} {path}")
        if script is None:
            boot.reload(machine)
        if enable:
            boot.enable(machine)
        changed = boot.set_now(boot.needed(generation)) if now else []
    _report(machine, generation, files, changed if now else None)


def _check_options(
    script: Path | None, *, enable: bool, now: bool, no_sysctl: bool, root: Path | None
) -> None:
    """Refuse what cannot work, and what would silently not work at boot."""
    if script is not None and enable:
        raise click.UsageError("--enable is for systemd, --script for systems without it.")
    if now and no_sysctl:
        raise click.UsageError("--now sets what --no-sysctl leaves alone.")
    if now and root is not None:
        raise click.UsageError("--now is for the running machine, --root for another one.")
    if script is None:
        return
    if root is not None and not script.is_absolute():
        raise click.UsageError("--script with --root is a path from the image's `/` on.")
    folder = script.parent.name
    if folder.startswith("if-") and folder.endswith(".d") and "." in script.name:
        raise click.UsageError(f"run-parts passes over names with a dot, such as {script.name}.")
    if folder == "local.d" and script.suffix != ".start":
        raise click.UsageError("OpenRC runs what ends with .start in local.d, nothing else.")


def _remove(machine: "Machine", *, is_dry: bool) -> None:
    from natc.host.boot import files as boot  # noqa: PLC0415 - start-up

    if is_dry:
        raise click.UsageError("--dry-run is for what would be written, not for --remove.")
    gone = boot.remove(machine)
    boot.reload(machine)
    tell(*(f"removed {path}" for path in gone))
    if not gone:
        tell("there was nothing to remove")
    tell("the rules in the kernel, and its settings, stay until the next boot")


def _report(
    machine: "Machine",
    generation: "Generation | None",
    files: "Sequence[File]",
    now: Sequence[str] | None,
) -> None:
    """Say what will happen at boot, and what is left to do."""
    from natc.host.boot import files as boot  # noqa: PLC0415 - start-up

    if generation is None:
        tell("nothing is confirmed there yet: a boot restores what is confirmed by then")
    elif generation.is_empty:
        tell("the next boot restores no rules: natc has taken them away")
    else:
        rules = f"the rules of {generation.name}"
        tell(f"the next boot restores {rules}, or what is confirmed by then")
    needed = boot.needed(generation)
    if any(file.path == boot.SYSCTL_FILE for file in files):
        tell(*(f"the rules need {name} = {value}" for name, value in needed.items()))
        if now is None:
            tell(f"{boot.SYSCTL_FILE} sets it from the next boot on; --now sets it at once")
        tell(*boot.remarks(needed))
    if now is not None:
        tell(*(f"{line} is set now" for line in now))
        if needed and not now:
            tell("the running kernel has these settings already")
    if machine.script is None and not boot.is_enabled(machine):
        tell(f"`systemctl enable {boot.UNIT}`, or --enable, has systemd run it at boot")
