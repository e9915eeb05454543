"""Puts included files in the place of `include` statements."""

import posixpath
from collections.abc import Callable, Iterator

from natc.diagnostics import Diagnostic, Label, PolicyError
from natc.dsl import ast
from natc.dsl.lazy import declarations
from natc.dsl.parser import parse
from natc.record import replace
from natc.source import Source, Span

DEEPEST = 16
"""Files within files."""

Reader = Callable[[str], str]
"""Returns the text of a file by name; raises OSError, UnicodeError or PolicyError without one."""


def expand(policy: ast.Policy, read: Reader) -> ast.Policy:
    """Return `policy` with every included statement in place, of any depth.

    Paths are relative to the including file and stay below the folder of the main policy.

    Raises:
        PolicyError: NAT004, and the syntax errors of included files; all of them.
    """
    if not any(isinstance(s, ast.Include) for s in declarations(policy.statements)):
        return policy
    expansion = _Expansion(policy.span.source, read)
    statements = tuple(expansion.statements(policy, (policy.span.source.name,)))
    if expansion.problems:
        raise PolicyError(expansion.problems)
    return replace(policy, statements=statements)


class _Expansion:
    """The files seen so far."""

    def __init__(self, main: Source, read: Reader) -> None:
        self.root = posixpath.dirname(main.name)
        self.read = read
        self.seen: dict[str, Span] = {}
        self.problems: list[Diagnostic] = []

    def statements(self, policy: ast.Policy, chain: tuple[str, ...]) -> Iterator[ast.AnyStatement]:
        """Yield the statements of `policy`; `chain` names the files that led to it."""
        for statement in policy.statements:
            if not isinstance(statement, ast.Include):
                yield statement
                continue
            try:
                included, name = self._included(statement, chain)
            except PolicyError as error:
                self.problems += error.diagnostics
                continue
            yield from self.statements(included, (*chain, name))

    def _included(self, include: ast.Include, chain: tuple[str, ...]) -> tuple[ast.Policy, str]:
        name = self._name(include)
        if name in chain:
            way = " → ".join([*chain[chain.index(name) :], name])
            raise _error(include, "an include that includes itself", way)
        if len(chain) > DEEPEST:
            raise _error(include, f"includes nested more than {DEEPEST} deep")
        if name in self.seen:
            first = (Label(self.seen[name], "first here"),)
            raise _error(include, "a file included twice", related=first)
        self.seen[name] = include.span
        try:
            text = self.read(name)
        except PolicyError as error:
            raise PolicyError(_located(d, include.span) for d in error.diagnostics) from None
        except UnicodeError:
            raise _error(include, f"`{name}` is not UTF-8 text") from None
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise _error(include, f"cannot read `{name}`", reason) from None
        return parse(Source(name, text, include.span)), name

    def _name(self, include: ast.Include) -> str:
        path = include.path.text
        if not path or not path.isprintable():
            raise _error(include, "this is not the name of a file")
        if posixpath.isabs(path):
            raise _error(
                include,
                "an absolute path in an include",
                help="paths are relative to the file that includes",
            )
        folder = posixpath.dirname(include.span.source.name)
        name = posixpath.normpath(posixpath.join(folder, path))
        inside = posixpath.relpath(name, self.root or ".")
        if inside == ".." or inside.startswith("../"):
            raise _error(
                include,
                "an include outside the policy's folder",
                help="keep included files beside the policy or below it",
            )
        return name


def _located(diagnostic: Diagnostic, include: Span) -> Diagnostic:
    """Return what is wrong with a file together with the way to it."""
    label = diagnostic.primary
    source = replace(label.span.source, included_from=include)
    return replace(diagnostic, primary=replace(label, span=replace(label.span, source=source)))


def _error(
    include: ast.Include,
    message: str,
    label: str = "",
    *,
    related: tuple[Label, ...] = (),
    help: str | None = None,  # noqa: A002 - the diagnostic's field
) -> PolicyError:
    place = Label(include.path.span, label)
    return PolicyError([Diagnostic("NAT004", message, place, related, help=help)])
