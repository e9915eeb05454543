"""Which definition of a name is in force: the policy's, the node's, or the command line's."""

from collections.abc import Mapping

from natc.diagnostics import Label, PolicyError
from natc.dsl import ast
from natc.dsl.lazy import declarations
from natc.dsl.parser import parse
from natc.elaborate.names import check_name, nearest
from natc.elaborate.problem import Problem, Problems
from natc.source import Source, Span


def definitions_in_force(
    policy: ast.Policy, node: str | None, settings: Mapping[str, str], problems: Problems
) -> dict[str, ast.Definition]:
    """Return the definitions in force by name; what is wrong goes to `problems`."""
    found: dict[str, ast.Definition] = {}
    for statement in declarations(policy.statements):
        if isinstance(statement, ast.Definition):
            with problems.caught():
                _add(found, statement)
    everywhere = dict(found)
    nodes: dict[str, ast.Host] = {}
    for statement in declarations(policy.statements):
        if isinstance(statement, ast.Host):
            with problems.caught():
                _check_node(statement, nodes, everywhere)
                if statement.name.text == node:
                    found |= {
                        definition.name.text: definition for definition in statement.definitions
                    }
    for name, text in settings.items():
        with problems.caught():
            known = found.get(name) or _in_some_node(name, nodes)
            found[name] = _setting(name, text, known, found)
    return found


def _add(found: dict[str, ast.Definition], definition: ast.Definition) -> None:
    earlier = found.setdefault(definition.name.text, definition)
    check_name(definition.name)
    if earlier is not definition:
        raise Problem(
            "NAT003",
            f"`{definition.name.text}` is defined twice",
            definition.name.span,
            related=(Label(earlier.name.span, "first here"),),
        )
    found[definition.name.text] = definition


def _check_node(
    host: ast.Host, nodes: dict[str, ast.Host], everywhere: dict[str, ast.Definition]
) -> None:
    earlier = nodes.get(host.name.text)
    if earlier is not None:
        raise Problem(
            "NAT003",
            f"two nodes are named `{host.name.text}`",
            host.name.span,
            related=(Label(earlier.name.span, "first here"),),
        )
    nodes[host.name.text] = host
    inside: dict[str, ast.Definition] = {}
    for definition in host.definitions:
        _add(inside, definition)
        usual = everywhere.get(definition.name.text)
        if usual is not None and usual.kind != definition.kind:
            raise Problem(
                "NAT017",
                f"`{definition.name.text}` is no {definition.kind} elsewhere",
                definition.name.span,
                related=(Label(usual.span, "defined here"),),
            )


def _in_some_node(name: str, nodes: dict[str, ast.Host]) -> ast.Definition | None:
    return next(
        (d for host in nodes.values() for d in host.definitions if d.name.text == name), None
    )


def _setting(
    name: str, text: str, known: ast.Definition | None, found: dict[str, ast.Definition]
) -> ast.Definition:
    kind = known.kind if known is not None else "address"
    source = Source("--set", f"{kind} {name} = {text}")
    whole = Span(source, 0, len(source.text))
    if known is None:
        raise Problem(
            "NAT001",
            f"`--set {name}`, but the policy defines no `{name}`",
            whole,
            help=nearest(name, found),
        )
    try:
        statements = parse(source).statements
    except PolicyError as error:
        first = error.diagnostics[0]
        raise Problem(first.code, first.message, first.primary.span, first.primary.text) from None
    if len(statements) != 1 or not isinstance(statements[0], ast.Definition):
        raise Problem("NAT000", "`--set` takes one value", whole)
    return statements[0]
