"""Options of every command that reads a policy's meaning."""

import os
from collections.abc import Callable, Mapping

import click

from natc import pipeline
from natc.cli.files import read_policy
from natc.ir.policy import Policy
from natc.reading import Includes

Command = Callable[..., None]


def policy_options(function: Command) -> Command:
    """Add `--node`, `--set` and `--stdin-filename` to a command."""
    return node_options(
        click.option(
            "--stdin-filename", metavar="NAME", help="The name of standard input (`-`) in messages."
        )(function)
    )


def node_options(function: Command) -> Command:
    """Add `--node` and `--set` to a command that reads no standard input."""
    function = click.option(
        "--set",
        "settings",
        metavar="NAME=VALUE",
        multiple=True,
        callback=_settings,
        help="A value that wins over the policy's definition.",
    )(function)
    return click.option(
        "--node", metavar="NAME", help="Whose `node` block holds; default: this host's name."
    )(function)


def _settings(
    ctx: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> Mapping[str, str]:
    found = {}
    for setting in given:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"'{setting}' is not NAME=VALUE", ctx, parameter)
        found[name.strip()] = value.strip()
    return found


def understand(
    path: str, node: str | None, settings: Mapping[str, str], stdin_filename: str | None
) -> Policy:
    """Read a policy and what it includes, and return its meaning.

    Raises:
        Unable: it cannot be read.
        PolicyError: it is wrong.
    """
    source = read_policy(path, stdin_filename)
    return pipeline.understand(source, Includes(path), this_node(node), settings)


def this_node(node: str | None) -> str:
    """Return the gateway that `--node` names, else this host."""
    return os.uname().nodename if node is None else node
