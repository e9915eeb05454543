"""`exempt`: packets that nothing translates."""

from collections.abc import Iterator

from natc.dsl import ast
from natc.elaborate import clauses, targets
from natc.elaborate.arrival import arriving, local, sees_arriving
from natc.elaborate.context import Context
from natc.elaborate.matching import families, matched, region
from natc.elaborate.problem import Problem
from natc.ir.actions import Accept, Hook
from natc.ir.fields import Field
from natc.ir.policy import Rule


def exempt(rule: ast.Rule, context: Context) -> Iterator[Rule]:
    """Yield the rules of `exempt …`: one in each hook that its packets pass.

    Raises:
        Problem: NAT202 with both `in` and `out`, which no hook knows together.
    """
    targets.forbidden(rule, "exempt packets are left as they are")
    match = matched(clauses.matches_of(rule), context.scope)
    clauses.options_of(rule)
    if match.arriving is not None and match.leaving is not None:
        raise Problem(
            "NAT202",
            "`in` and `out` in one exempt",
            match.clauses["out"].span,
            help="write two: the destination phase knows `in`, the source phase `out`",
        )
    for family in families(match, None, rule.span):
        if match.leaving is None:
            if sees_arriving(match):
                packets = arriving(match, family)
                yield context.rule(family, Hook.PREROUTING, packets, Accept(), ".arriving")
            if match.arriving is None or match.arriving.local:
                yield context.rule(family, Hook.OUTPUT, local(match, family), Accept(), ".local")
        if match.arriving is None:
            extra = {}
            if match.leaving is not None:
                if match.leaving.local:
                    raise Problem("NAT017", "`local` is not a way out", match.clauses["out"].span)
                extra[Field.OUT_INTERFACE] = match.leaving.interfaces
            packets = region(match, family, extra)
            yield context.rule(family, Hook.POSTROUTING, packets, Accept())
