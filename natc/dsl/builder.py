"""Makes syntax tree nodes as Lark recognises them.  One method a grammar rule or terminal."""

from typing import Any
from typing import Literal as Choice

from lark import Token, Transformer

from natc.dsl import ast
from natc.source import NOWHERE, Source, Span, cover

_ESCAPES = {"n": "\n", "t": "\t"}

_KINDS: dict[str, Choice["unchanged", "dropped", "translated"]] = {
    "unchanged": "unchanged",
    "dropped": "dropped",
    "translated": "translated",
}


def unquote(text: str) -> str:
    """Return what a quoted string says."""
    if "\\" not in text:
        return text[1:-1]
    out, escaped = [], False
    for char in text[1:-1]:
        if escaped:
            out.append(_ESCAPES.get(char, char))
        elif char != "\\":
            out.append(char)
        escaped = char == "\\" and not escaped
    return "".join(out)


class Builder(Transformer[Token, Any]):
    """The transformer given to the parser.

    Attributes:
        source: the text being parsed.
        span: the statement being parsed; the parser's offsets count from its start.
    """

    source: Source = NOWHERE.source
    span: Span = NOWHERE

    def place(self, token: Token) -> Span:
        """Return where `token` stands; Lark was given the text from the statement on."""
        start, end = token.start_pos, token.end_pos
        if start is None or end is None:
            raise AssertionError("the lexer gives every token a place")
        return Span(self.source, self.span.start + start, self.span.start + end)

    # Terminals.

    def ADDRESS(self, token: Token) -> ast.Address:  # noqa: N802
        return ast.Address(str(token), self.place(token))

    def ENDPOINT(self, token: Token) -> ast.Endpoint:  # noqa: N802
        return ast.Endpoint(str(token), self.place(token))

    def SERVICE(self, token: Token) -> ast.Service:  # noqa: N802
        return ast.Service(str(token), self.place(token))

    def NUMBER(self, token: Token) -> ast.Number:  # noqa: N802
        return ast.Number(str(token), self.place(token))

    def MARK(self, token: Token) -> ast.Mark:  # noqa: N802
        return ast.Mark(str(token), self.place(token))

    def NAME(self, token: Token) -> ast.Name:  # noqa: N802
        return ast.Name(str(token), self.place(token))

    def STRING(self, token: Token) -> ast.String:  # noqa: N802
        return ast.String(unquote(token), self.place(token))

    def DURATION(self, token: Token) -> ast.Duration:  # noqa: N802
        return ast.Duration(str(token), self.place(token))

    def DATE(self, token: Token) -> ast.Date:  # noqa: N802
        return ast.Date(str(token), self.place(token))

    # Sets.

    def negation(self, children: list[Any]) -> ast.Not:
        word, operand = children
        return ast.Not(operand, cover(self.place(word), operand.span))

    def exception(self, children: list[Any]) -> ast.Except:
        base, _, without = children
        return ast.Except(base, without, cover(base.span, without.span))

    def braces(self, children: list[Any]) -> ast.Braces:
        first, *items, last = children
        return ast.Braces(tuple(items), (), cover(self.place(first), self.place(last)))

    def item(self, children: list[Any]) -> ast.Item:
        value, *weight = children
        last = weight[0] if weight else value
        return ast.Item(value, weight[0] if weight else None, span=cover(value.span, last.span))

    def port_list(self, children: list[Any]) -> ast.PortList:
        first, *items, last = children
        span = cover(self.place(first), self.place(last))
        protocol = first[: first.index("/")]
        return ast.PortList(protocol, ast.Braces(tuple(items), (), span), span)

    def target(self, children: list[Any]) -> Any:
        return children[0]

    # Clauses.

    def clause(self, children: list[Any]) -> ast.Clause:
        word, *value = children
        span = self.place(word)
        if value:
            return ast.Clause(str(word), value[0], cover(span, value[0].span))
        return ast.Clause(str(word), None, span)

    def service_match(self, children: list[Any]) -> ast.Clause:
        return ast.Clause("service", children[0], children[0].span)

    def set_match(self, children: list[Any]) -> ast.Clause:
        word, sets, *flags = children
        last = self.place(flags[-1]) if flags else sets.span
        span = cover(self.place(word), last)
        ipset = ast.IpSet(sets, tuple(str(flag) for flag in flags), span)
        return ast.Clause("set", ipset, span)

    def except_clause(self, children: list[Any]) -> ast.Clause:
        word, _, users = children
        return ast.Clause("except", users, cover(self.place(word), users.span))

    def check_option(self, children: list[Any]) -> ast.Clause:
        word, kind, *rest = children
        path = rest.pop(0) if rest and isinstance(rest[0], ast.String) else None
        last = rest[-1] if rest else path or kind
        span = cover(self.place(word), last.span)
        return ast.Clause("check", ast.Check(kind, path, tuple(rest), span), span)

    def name(self, children: list[Any]) -> tuple[str, ast.Name]:
        return "as", children[0]

    # Statements.

    def include(self, children: list[Any]) -> ast.Include:
        return ast.Include(children[0], span=self.span)

    def definition(self, children: list[Any]) -> ast.Definition:
        kind, name, value = children
        span = cover(self.place(kind), value.span)
        return ast.Definition("address" if kind == "address" else "service", name, value, span=span)

    def zone_entry(self, children: list[Any]) -> ast.Entry:
        word, value = children
        return ast.Entry(str(word), value, span=cover(self.place(word), value.span))

    network_entry = zone_entry

    def zone(self, children: list[Any]) -> ast.Block:
        return ast.Block("zone", children[0], tuple(children[1:]), span=self.span)

    def network(self, children: list[Any]) -> ast.Block:
        return ast.Block("network", children[0], tuple(children[1:]), span=self.span)

    def node(self, children: list[Any]) -> ast.Host:
        return ast.Host(children[0], tuple(children[1:]), span=self.span)

    def rule(self, children: list[Any]) -> ast.Rule:
        verb, *rest = children
        name = rest.pop()[1] if rest and isinstance(rest[-1], tuple) else None
        at = next((i for i, part in enumerate(rest) if not isinstance(part, ast.Clause)), None)
        if at is None:
            return ast.Rule(str(verb), tuple(rest), name=name, span=self.span)
        return ast.Rule(
            str(verb), tuple(rest[:at]), rest[at], tuple(rest[at + 1 :]), name, span=self.span
        )

    def static(self, children: list[Any]) -> ast.Static:
        inside, outside, *rest = children
        name = rest.pop()[1] if rest and isinstance(rest[-1], tuple) else None
        return ast.Static(inside, outside, tuple(rest), name, span=self.span)

    def allow(self, children: list[Any]) -> ast.Allow:
        code, *optional, reason = children
        rule = next((part for part in optional if isinstance(part, ast.Name)), None)
        until = next((part for part in optional if isinstance(part, ast.Date)), None)
        return ast.Allow(code, rule, until, reason, span=self.span)

    def test(self, children: list[Any]) -> ast.Test:
        return ast.Test(children[0], tuple(children[1:]), span=self.span)

    def packet(self, children: list[Any]) -> ast.PacketLine:
        protocol, source, destination, *clauses = children
        last = clauses[-1] if clauses else destination
        span = cover(protocol.span, last.span)
        return ast.PacketLine(protocol, source, destination, tuple(clauses), span=span)

    def result(self, children: list[Any]) -> ast.Result:
        first, *rest = children
        if isinstance(first, ast.Clause):
            return ast.Result(
                "rewritten", None, tuple(children), cover(first.span, children[-1].span)
            )
        side = str(rest[0]) if rest else None
        span = cover(self.place(first), self.place(rest[0] if rest else first))
        return ast.Result(_KINDS[first], side, (), span)

    def expect(self, children: list[Any]) -> ast.Expect:
        return ast.Expect(children[0], span=children[0].span)

    def assertion(self, children: list[Any]) -> ast.Assertion:
        quantifier, *clauses, result = children
        return ast.Assertion(
            "all" if quantifier == "all" else "never", tuple(clauses), result, span=self.span
        )
