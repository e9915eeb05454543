"""Rules that exist to a policy that does the same, with remarks on what it does not."""

from collections.abc import Iterator, Mapping

from natc.dsl import ast
from natc.importers.remarks import Remark
from natc.importers.saying import say
from natc.importers.scope import others, scope
from natc.importers.surroundings import surroundings
from natc.importers.writing import Comment, Writer, remark
from natc.record import Record, replace
from natc.targets.iptables import model


class Imported(Record):
    """A policy made from rules.

    Attributes:
        policy: with a comment at the place of each rule that it does not express.
        remarks: those rules, and why, in the order of the policy.
        taken: how many rules it expresses.
        idle: how many do nothing: no packet comes to them, or they match none.
    """

    policy: ast.Policy
    remarks: tuple[Remark, ...]
    taken: int
    idle: int


def import_rules(ruleset: model.Ruleset, name: str = "rules") -> Imported:
    """Return the policy that does what `ruleset` does, as far as the language can say it.

    Args:
        name: of the rules, for the comment at the head.

    Raises:
        TooManyJumps: chains jump to chains too often.
    """
    about = scope(ruleset)
    said = say(about)
    writer = Writer(about, said)
    body = [*said.zones, *writer.statements()]
    around = tuple(remark(*found) for found in surroundings(ruleset))
    taken = len(said.taken)
    unsaid = sum(remark.place.number > 0 for remark in writer.remarks)
    idle = sum(_sizes(about).values()) - taken - unsaid
    head = [
        f"# Imported from {' '.join(name.split())}: {_listed(_sizes(about))}, {ruleset.family}.",
        f"# {_counts(taken, unsaid, idle)}",
        *(f"# {line}" for line in _others(ruleset)),
        *(f"# {found}" for found in around),
    ]
    policy = _under(head, body, tuple(writer.waiting))
    return Imported(policy, (*around, *writer.remarks), taken, idle)


def _sizes(ruleset: model.Ruleset) -> dict[str, int]:
    tables = ruleset.tables or (model.Table("nat", ()),)
    return {table.name: sum(len(chain.rules) for chain in table.chains) for table in tables}


def _listed(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{_rules(count)} of {table}" for table, count in sizes.items())


def _rules(count: int) -> str:
    return f"{count} {'rule' if count == 1 else 'rules'}"


def _counts(taken: int, unsaid: int, idle: int) -> str:
    parts = [f"{taken} expressed"]
    if unsaid:
        parts.append(f"{unsaid} not, for the reason at the place")
    if idle:
        parts.append(f"{idle} without effect")
    return f"{', '.join(parts)}."


def _others(ruleset: model.Ruleset) -> Iterator[str]:
    sizes = others(ruleset)
    if sizes:
        yield f"Not translated, and to be left as they are: {_listed(sizes)}."


def _under(
    head: list[str], body: list[ast.AnyStatement], closing: tuple[Comment, ...]
) -> ast.Policy:
    """Return the policy with its head above the first statement."""
    if not body:
        return ast.Policy((), (*head, *((None, *closing) if closing else ())))
    first, *rest = body
    above = first.comments.above
    gap = () if above[:1] == (None,) else (None,)
    comments = ast.Comments((*head, *gap, *above), first.comments.beside)
    return ast.Policy((replace(first, comments=comments), *rest), closing)
