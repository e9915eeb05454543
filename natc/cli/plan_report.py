"""A plan as people and programs read it."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from natc.cli import treated
from natc.cli.report import MOST_SHOWN
from natc.diagnostics.text import printable
from natc.host.planning.connections import Stranded
from natc.host.planning.plan import Plan
from natc.host.planning.prospect import NOW, THEN, label, policy_line
from natc.host.planning.rule_changes import Change, JumpChange
from natc.simulate.differing import Found
from natc.targets.iptables.companion import route_arguments
from natc.targets.iptables.model import PolicyRoute

_SIGNS = {"added": "+", "removed": "-", "moved": "~", "renamed": "="}
_CODE = "NAT508"
_NAMES = (NOW, THEN)


def text(plan: Plan) -> str:
    """Return a plan for a terminal."""
    lines = [summary(plan)]
    for title, body in _sections(plan):
        lines += ["", title, *(f"  {line}" if line else "" for line in body)]
    return "".join(f"{printable(line)}\n" for line in lines)


def markdown(plan: Plan) -> str:
    """Return a plan for a comment on a pull request."""
    lines = [summary(plan)]
    for title, body in _sections(plan):
        lines += ["", f"### {title}", "", "```diff" if title == _RULES else "```", *body, "```"]
    return "".join(f"{printable(line)}\n" for line in lines)


def summary(plan: Plan) -> str:
    """Return in one line how much would change."""
    if not plan.is_change:
        return f"{plan.name} is in place already: nothing would change"
    parts = [_count(len(plan.rules), "rule")]
    if plan.found is not None:
        parts.append(f"{_count(len(plan.found), 'set')} of packets")
    if plan.stranded:
        parts.append(f"{_count(len(plan.stranded), 'connection')} stranded")
    return f"{plan.name} would change {', '.join(parts)}; nothing is changed yet"


_RULES = "rules, as the kernel prints them"


def _sections(plan: Plan) -> Iterator[tuple[str, list[str]]]:
    if plan.found:
        yield "packets that are treated differently", list(_packets(plan.found))
    elif plan.found is not None and plan.is_change:
        yield "packets that are treated differently", ["none"]
    if plan.rules:
        yield _RULES, list(_rules(plan.rules))
    if plan.jumps:
        yield "jumps to natc's chains", [_jump(jump, plan) for jump in plan.jumps]
    if plan.routes_added or plan.routes_removed:
        yield (
            "policy routing",
            [*_routes("-", plan.routes_removed), *_routes("+", plan.routes_added)],
        )
    if plan.stranded:
        yield _stranded_title(plan.stranded), list(_stranded(plan.stranded))
    if plan.unknown:
        yield "not known", list(plan.unknown)


def _packets(found: Sequence[Found]) -> Iterator[str]:
    for number, one in enumerate(found[:MOST_SHOWN], 1):
        first, *others = treated.lines(one, _NAMES)
        yield f"{number}. {first}"
        yield from (f"   {line}" for line in others)
    yield from _more(len(found), "sets of packets")


def _rules(changes: Iterable[Change]) -> Iterator[str]:
    place = ""
    for change in changes:
        here = f"{change.family} {change.table} {change.chain}"
        if here != place:
            yield f"# {here}"
            place = here
        rule = change.rule.partition(f"-A {change.chain} ")[2]
        yield f"{_SIGNS[change.kind]} {rule}"
        if change.kind == "renamed" and change.before is not None:
            yield f"  does as before; it was {policy_line(change.before)}"
        elif change.kind == "moved":
            yield f"  moves to place {change.number}"


def _jump(jump: JumpChange, plan: Plan) -> str:
    moved = f", which moves to be {plan.place}" if jump.kind == "moved" else ""
    return f"{_SIGNS[jump.kind]} {jump.family} {jump.table} {jump.rule}{moved}"


def _routes(sign: str, routes: Sequence[PolicyRoute]) -> Iterator[str]:
    for arguments in route_arguments(routes):
        yield f"{sign} ip {arguments}"


def _stranded_title(found: Sequence[Stranded]) -> str:
    certain = sum(one.is_certain for one in found)
    count = _count(len(found), "connection")
    verb = "keeps" if len(found) == 1 else "keep"
    sure = "" if certain == len(found) else f" ({certain} for certain)"
    return f"warning[{_CODE}]: {count}{sure} {verb} what the new rules would not give"


def _stranded(found: Sequence[Stranded]) -> Iterator[str]:
    for one in found[:MOST_SHOWN]:
        sure = "" if one.is_certain else "perhaps, depending on where it came in: "
        before = ", ".join(map(label, one.before)) or "no rule"
        after = ", ".join(map(label, one.after)) or "no rule"
        yield f"{sure}{one.connection}"
        yield f"     keeps  {one.keeps}   ({before})"
        yield f"     then   {one.becomes}   ({after})"
        yield f"     {one.command}"
    yield from _more(len(found), "connections")


def _more(count: int, noun: str) -> Iterator[str]:
    if count > MOST_SHOWN:
        yield f"… and {count - MOST_SHOWN:,} more {noun}; --format json has them all"


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def as_json(plan: Plan) -> str:
    """Return a plan as JSON; versioned: fields are added, never changed."""
    whole = {
        "version": 1,
        "policy": plan.name,
        "place": str(plan.place),
        "changes": plan.is_change,
        "packets": None if plan.found is None else [treated.row(one, _NAMES) for one in plan.found],
        "rules": [_rule_row(change) for change in plan.rules],
        "jumps": [
            {"change": one.kind, "family": int(one.family), "table": one.table, "rule": one.rule}
            for one in plan.jumps
        ],
        "routing": [
            {"change": kind, "arguments": arguments}
            for kind, routes in (("removed", plan.routes_removed), ("added", plan.routes_added))
            for arguments in route_arguments(routes)
        ],
        "connections": None if plan.stranded is None else list(map(_connection_row, plan.stranded)),
        "unknown": list(plan.unknown),
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _rule_row(change: Change) -> dict[str, Any]:
    row: dict[str, Any] = {
        "change": change.kind,
        "family": int(change.family),
        "table": change.table,
        "chain": change.chain,
        "number": change.number,
        "rule": change.rule,
        "policy": policy_line(change.rule),
    }
    if change.before is not None:
        row["before"] = policy_line(change.before)
    return row


def _connection_row(one: Stranded) -> dict[str, Any]:
    return {
        "code": _CODE,
        "certain": one.is_certain,
        "family": int(one.connection.family),
        "connection": str(one.connection),
        "keeps": one.keeps,
        "now": treated.rule_rows(one.before),
        "becomes": one.becomes,
        "then": treated.rule_rows(one.after),
        "command": one.command,
    }
