"""The repair of a rule that changes nothing: without it."""

from natc.diagnostics import Fix
from natc.lint.fixes import deletion
from natc.lint.subject import Subject
from natc.lint.unreached import Unreached


def removal(subject: Subject, found: Unreached) -> Fix | None:
    """Return the deletion of what no packet reaches.

    None where another part of it is in force, or where an allowance names it.
    """
    name = found.rule.name.split(".", maxsplit=1)[0]
    if not found.is_whole or any(name == allowed.rule for allowed in subject.policy.allowances):
        return None
    return Fix("delete the rule", (deletion(found.rule.origin),))
