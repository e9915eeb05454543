"""What a policy allows: findings silenced on purpose, and allowances that no longer do anything."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date

from natc.diagnostics import Diagnostic, Fix, Label
from natc.diagnostics.codes import SLUGS
from natc.ir.policy import Allowance, Policy
from natc.lint import comments
from natc.lint.catalogue import BY_CODE
from natc.lint.fixes import deletion
from natc.record import Record
from natc.source import Span
from natc.targets.iptables.model import Ruleset

STALE = "NAT010"


class Judged(Record):
    """Findings after the allowances of a policy.

    Attributes:
        kept: those that nothing allows.
        stale: NAT010 for each allowance past its last day, or without a finding to silence.
    """

    kept: tuple[Diagnostic, ...]
    stale: tuple[Diagnostic, ...]


Scope = tuple[Allowance, tuple[Span, ...] | None]
"""An allowance, and the statements that it is about; None is the whole policy."""

_Place = tuple[str, str | None, int]
"""A code, and the name of a source and a line; None is the whole policy."""


def judge(
    scopes: Sequence[Scope],
    found: Iterable[Diagnostic],
    looked_for: AbstractSet[str],
    today: date | None,
) -> Judged:
    """Silence what is allowed.

    Args:
        looked_for: the codes of which everything was found; allowances of others are not judged.
        today: None is a day before every `until`.
    """
    if not scopes:
        return Judged(tuple(found), ())
    ended: list[Allowance] = []
    valid: list[Scope] = []
    for allowance, statements in scopes:
        if today is not None and allowance.until is not None and allowance.until < today:
            ended.append(allowance)
        else:
            valid.append((allowance, statements))
    used: set[int] = set()
    places = _by_place(valid)

    def is_silenced(finding: Diagnostic) -> bool:
        """Whether an allowance silences a finding; all that do are added to `used`."""
        silencing = [number for number in _at(finding, places) if _holds(valid[number], finding)]
        used.update(silencing)
        return bool(silencing)

    kept = [finding for finding in found if not is_silenced(finding)]
    unused = [scope for number, scope in enumerate(valid) if number not in used]
    idle = [_idle(*scope) for scope in unused if _code(scope[0]) in looked_for - {STALE}]
    stale = [*map(_over, ended), *idle]
    stale = [finding for finding in stale if not is_silenced(finding)]
    stale += [
        _idle(*scope)
        for number, scope in enumerate(valid)
        if number not in used and _code(scope[0]) == STALE
    ]
    return Judged(tuple(kept), tuple(stale))


def of_policy(policy: Policy) -> list[Scope]:
    """Return what the sentences of a policy allow."""
    wanted = {allowance.rule for allowance in policy.allowances if allowance.rule is not None}
    places: dict[str, dict[Span, None]] = {name: {} for name in wanted}
    if wanted:
        for rule in policy.rules:
            # A statement's further rules are named after it: `web.inside`.
            name = rule.name.partition(".")[0]
            if name in places:
                places[name][rule.origin] = None
    return [
        (allowance, None if allowance.rule is None else tuple(places[allowance.rule]))
        for allowance in policy.allowances
    ]


def of_rules(rulesets: Iterable[Ruleset]) -> list[Scope]:
    """Return what the comments of rules allow, each for its own rule.

    Raises:
        PolicyError: NAT019.
    """
    return [
        (allowance, (allowance.origin,))
        for ruleset in rulesets
        for allowance in comments.allowances(ruleset)
    ]


def _by_place(scopes: Sequence[Scope]) -> dict[_Place, list[int]]:
    """Return which allowances to look at where: a dump may have one for each rule."""
    places: dict[_Place, list[int]] = {}
    for number, (allowance, statements) in enumerate(scopes):
        code = _code(allowance)
        if statements is None:
            places.setdefault((code, None, 0), []).append(number)
        for statement in statements or ():
            last = statement.source.line_number(max(statement.end - 1, statement.start))
            for line in range(statement.line, last + 1):
                places.setdefault((code, statement.source.name, line), []).append(number)
    return places


def _at(finding: Diagnostic, places: Mapping[_Place, Sequence[int]]) -> Iterator[int]:
    """Yield the allowances to look at for a finding; some may come twice."""
    yield from places.get((finding.code, None, 0), ())
    for label in _labels(finding):
        yield from places.get((finding.code, label.span.source.name, label.span.line), ())


def _holds(scope: Scope, finding: Diagnostic) -> bool:
    """Whether an allowance of the code of a finding is about it."""
    _, statements = scope
    return statements is None or any(_lies_in(label, statements) for label in _labels(finding))


def _labels(finding: Diagnostic) -> Iterator[Label]:
    yield finding.primary
    yield from finding.related


def _lies_in(label: Label, statements: Iterable[Span]) -> bool:
    return any(
        statement.source.name == label.span.source.name
        and statement.start <= label.span.start < max(statement.end, statement.start + 1)
        for statement in statements
    )


def _code(allowance: Allowance) -> str:
    if allowance.code in SLUGS:
        return allowance.code
    return next(code for code, slug in SLUGS.items() if slug == allowance.code)


def _over(allowance: Allowance) -> Diagnostic:
    return Diagnostic(
        STALE,
        f"an `allow` whose last day was {allowance.until}",
        Label(allowance.origin, "silences nothing any more"),
        help="repair what it allowed, or give it another day",
    )


def _idle(allowance: Allowance, statements: tuple[Span, ...] | None) -> Diagnostic:
    is_comment = statements == (allowance.origin,)
    where = " here" if is_comment else "" if allowance.rule is None else f" on `{allowance.rule}`"
    is_looked_for = _code(allowance) in BY_CODE  # Else a later natc may find it.
    return Diagnostic(
        STALE,
        "an `allow` that silences nothing",
        Label(allowance.origin, f"there is no {allowance.code}{where}"),
        help="delete the comment" if is_comment else "delete it",
        fix=Fix("delete the `allow`", (deletion(allowance.origin),))
        if is_looked_for and not is_comment
        else None,
    )
