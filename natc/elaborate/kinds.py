"""What an expression is, for messages that expected another."""

from natc.dsl import ast
from natc.elaborate.problem import Problem

_KINDS: dict[type, str] = {
    ast.Address: "an address",
    ast.Endpoint: "an address with a port",
    ast.Service: "a service",
    ast.PortList: "a service",
    ast.Number: "a number",
    ast.Mark: "a mark",
    ast.Name: "a name",
    ast.String: "a quoted text",
    ast.Braces: "a list",
    ast.Except: "an `except`",
    ast.Not: "a `not`",
}


def wrong_kind(
    wanted: str,
    expression: ast.SetExpr,
    help: str | None = None,  # noqa: A002 - the diagnostic's field
) -> Problem:
    """Return NAT017: an expression of another kind than `wanted`."""
    found = _KINDS[type(expression)]
    return Problem("NAT017", f"expected {wanted}, found {found}", expression.span, help=help)
