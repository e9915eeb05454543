"""What may be a name, what one that nobody defined could have meant, what else is wrong with it."""

import re
from collections.abc import Collection

from natc.diagnostics import Label
from natc.dsl import ast
from natc.dsl.keywords import KEYWORDS
from natc.elaborate.problem import Problem
from natc.ir.policy import Network, Zone
from natc.packet import PROTOCOLS
from natc.source import Span

RESERVED = KEYWORDS | {"local", "dynamic"} | PROTOCOLS.keys()

LONGEST = 63
"""Bytes of a name, so that file, line and name fit a kernel comment of 255."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


def check_name(name: ast.Name) -> None:
    """Refuse what cannot be the name of a definition or rule.

    Raises:
        Problem: NAT018, NAT204.
    """
    if name.text in RESERVED:
        raise Problem(
            "NAT018",
            f"`{name.text}` is a word of the language and cannot be a name",
            name.span,
            help=f"choose another name, such as `{name.text}1`",
        )
    if not _NAME.match(name.text):
        raise Problem(
            "NAT018",
            f"`{name.text}` cannot be a name",
            name.span,
            help="a name has letters, digits, `_` and `-`",
        )
    if len(name.text) > LONGEST:
        message = f"name of {len(name.text)} characters, more than {LONGEST}"
        raise Problem("NAT204", message, name.span)


_MADE = re.compile(
    r"(?:exempt|static|snat|masquerade|dnat|port-forward|transparent-proxy|balance)-[0-9]+\Z"
    r"|network-"
)


def check_rule_name(name: ast.Name) -> None:
    """Refuse what cannot be the name of a rule: also the names that natc gives to rules.

    Raises:
        Problem: NAT018, NAT204.
    """
    check_name(name)
    if _MADE.match(name.text):
        raise Problem(
            "NAT018",
            f"`{name.text}` is a name that natc gives to rules",
            name.span,
            help="choose another name",
        )


MOST_CANDIDATES = 20_000
"""Names to compare with, a quarter of a second's work."""


def nearest(text: str, candidates: Collection[str]) -> str | None:
    """Return help that names the candidate closest to `text`.

    None when none is close, or there are too many to look through.
    """
    near = closest(text, candidates)
    return None if near is None else f"did you mean `{near}`?"


def closest(text: str, candidates: Collection[str], likeness: float = 0.6) -> str | None:
    """Return the candidate closest to `text`, under the same conditions.

    Args:
        likeness: what is close, 0 to 1, as `difflib` measures it.
    """
    if len(candidates) > MOST_CANDIDATES:
        return None
    from difflib import get_close_matches  # noqa: PLC0415 - start-up

    near = get_close_matches(text, sorted(candidates), n=1, cutoff=likeness)
    return near[0] if near else None


def word_before(span: Span) -> str:
    """Return the word before a place, empty for none; what keyword led there."""
    words = span.source.text[max(0, span.start - 20) : span.start].split()
    return words[-1] if words else ""


def no_subnet(name: ast.Name, place: Zone | Network) -> Problem:
    """Return what is wrong with a zone or network where addresses are asked for."""
    is_zone = isinstance(place, Zone)
    help_ = "add `subnet …` to it"
    if is_zone and word_before(name.span) == "to":
        help_ = (
            f"rules for arriving packets say `on {name.text}` for the gateway's own addresses "
            f"there; or {help_}"
        )
    return Problem(
        "NAT017",
        f"the {'zone' if is_zone else 'network'} `{name.text}` has no subnet, so it is not a set "
        "of addresses",
        name.span,
        related=(Label(place.origin, "declared here"),),
        help=help_,
    )


def circular(name: ast.Name, definition: ast.Definition) -> Problem:
    """Return what is wrong with a definition that asks for itself at `name`."""
    return Problem(
        "NAT021",
        f"`{name.text}` is defined by itself",
        name.span,
        related=(Label(definition.span, "the definition"),),
    )
