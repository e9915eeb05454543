"""What the comments of kernel rules say: a statement's name, what is allowed, or a comment."""

import re

from natc.dsl import ast
from natc.elaborate.names import check_rule_name
from natc.elaborate.problem import Problem
from natc.importers.remarks import Link, Trail
from natc.ir.policy import Allowance
from natc.lint.comments import allowance
from natc.record import Record
from natc.targets.iptables.model import JUMP_COMMENT

_NATC = re.compile(r"NATC-(PRE|IN|OUT|POST|DIVERT)(-\d+)?")
_OF_NATC = re.compile(r"(?P<place>.+:\d+) (?P<name>[^\s.]+)(\.\S+)?")
"""The comment of a rule that natc made: file and line, the policy's name for it, a suffix."""


class Label(Record):
    """What people call some rules.

    Attributes:
        name: what may be a statement's name; None is none.
        comments: other comments, the outermost first.
        statement: the statement that natc made the rules from; empty for others' rules.
        allowances: what the comments of the rules themselves allow, and not those of jumps.
    """

    name: str | None = None
    comments: tuple[str, ...] = ()
    statement: str = ""
    allowances: tuple[Allowance, ...] = ()


NO_LABEL = Label()


def label(trail: Trail) -> Label:
    """Return what the comments on the way to a rule say, the rule's own last."""
    own = _comments(trail[-1])
    if _NATC.fullmatch(trail[-1].place.chain) and len(own) == 1:
        found = _OF_NATC.fullmatch(own[0])
        if found is not None:
            name = found["name"]
            return Label(name if is_name(name) else None, (), f"{found['place']} {name}")
    allowed = {text: told for text in own if (told := allowance(text, trail[-1].rule))}
    own = [text for text in own if text not in allowed]
    said: dict[str, None] = {}
    for link in trail[:-1]:
        if not _is_jump_of_natc(link):
            said |= dict.fromkeys(" ".join(text.split()) for text in _comments(link))
    if not _is_jump_of_natc(trail[-1]):
        said |= dict.fromkeys(" ".join(text.split()) for text in own)
    said.pop("", None)
    name = own[0] if len(own) == 1 and is_name(own[0]) else ""
    said.pop(name, None)
    return Label(name or None, tuple(said), allowances=tuple(dict.fromkeys(allowed.values())))


def _comments(link: Link) -> list[str]:
    texts = [
        option.values[0]
        for match in link.rule.matches
        if match.module == "comment"
        for option in match.options
        if option.values
    ]
    return texts if link.rule.comment is None else [*texts, link.rule.comment]


def _is_jump_of_natc(link: Link) -> bool:
    jump = link.rule.jump
    is_to_natc = jump is not None and _NATC.fullmatch(jump.target) is not None
    return is_to_natc and link.rule.comment == JUMP_COMMENT


def is_name(text: str) -> bool:
    """Whether a rule may have this name."""
    try:
        check_rule_name(ast.Name(text))
    except Problem:
        return False
    return True
