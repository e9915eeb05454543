"""Compiles the rules of a long policy by their shape: text in, kernel text out.

What a statement becomes is worked out once for its shape (`elaborate.shaped`), all the way to the
text.  From then on what stands in a statement goes to where the kernel text has it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from natc.address import Family
from natc.elaborate.blanks import SIGN, Blank
from natc.elaborate.lower import Elaboration
from natc.elaborate.shaped import NAME, NoForm, Shaped
from natc.ir.policy import Rule
from natc.source import Source, Span
from natc.targets.iptables import model
from natc.targets.iptables.chains import Chains
from natc.targets.iptables.comments import LONGEST
from natc.targets.iptables.write import rule_text

_LINE = f"{SIGN}line{SIGN}"

_ROOM = 100
"""Bytes that a line and a name take in a comment, at most."""

_CHAINS = frozenset(chain for _, _, chain in model.HOOK_CHAINS.values())

_Texts = tuple[tuple[Chains, str, str], ...]
"""For each kernel rule the chains, the chain, and its text with a `{}` for the line, the name and
each value."""


class _AnyLine(Source):
    """The text of one statement, on a line that is left open."""

    def line_number(self, offset: int) -> int:
        """Return the mark of the line, whatever `offset`."""
        del offset
        return cast(int, _LINE)


def patterns(elaboration: Elaboration, chains: Mapping[Family, Chains]) -> Shaped[_Texts]:
    """Return what adds the rules of usual shapes to `chains`, as texts."""
    source = elaboration.source.span.source

    def make(rules: Iterator[Rule], place: Span, blanks: Sequence[Blank]) -> _Texts:
        if SIGN in source.text or SIGN in source.name:
            raise NoForm  # Marks could not be told from the text.
        open_ = {family: Chains(place.source.name, family, _open_text) for family in chains}
        for rule in rules:
            open_[rule.family].add(rule)
        marks = (_LINE, NAME, *(blank.mark for blank in blanks))
        return tuple(
            (chains[family], chain, _form(text, marks))
            for family, filled in open_.items()
            for chain, text in _added(filled)
        )

    def use(texts: _Texts, place: Span, name: str, values: Sequence[str]) -> None:
        line = place.line
        for target, chain, text in texts:
            target.add_text(chain, text.format(line, name, *values))

    return Shaped(elaboration, make, use, _AnyLine)


def _open_text(rule: model.Rule) -> str:
    """Return the text of a rule whose comment is not cut, whatever line and name stand there."""
    if rule.comment is not None and len(rule.comment.encode()) > LONGEST - _ROOM:
        raise NoForm
    return rule_text(rule)


def _added(chains: Chains) -> Iterator[tuple[str, str]]:
    """Yield the rules in natc's chains, each with its chain."""
    made = chains.ruleset()
    if chains.problems or made.routes:
        raise NoForm
    for table in made.tables:
        for chain in table.chains:
            if chain.name in _CHAINS:
                yield from ((chain.name, str(text)) for text in chain.rules)
            elif chain.name not in model.BUILT_IN[table.name]:
                raise NoForm


def _form(text: str, marks: tuple[str, ...]) -> str:
    """Return `text` for `str.format`, with a field for each of `marks`."""
    form = text.replace("{", "{{").replace("}", "}}")
    for index, mark in enumerate(marks):
        form = form.replace(mark, f"{{{index}}}")
    return form
