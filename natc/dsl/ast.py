"""The syntax tree: what the user wrote, in the user's order, with places and comments.

Faithful to the text: names stay names, sugar stays sugar, a clause stands where it stood.  Two
trees are equal when they say the same with the same comments; spans take no part.  `parser` makes
these values, `format` prints them, `elaborate` gives them meaning.
"""

from collections.abc import Sequence
from typing import Literal as Choice

from natc.record import Record
from natc.source import NOWHERE, Span


class Node(Record):
    """Anything with a place."""

    IGNORED = frozenset({"span"})


class Comments(Record):
    """Comments around one line of the policy, without `#` and surrounding blanks.

    Attributes:
        above: whole-line comments before it; None stands for an empty line.
        beside: the comment at the end of its last line.
    """

    above: tuple[str | None, ...] = ()
    beside: str | None = None

    def __bool__(self) -> bool:
        return bool(self.above) or self.beside is not None


NO_COMMENTS = Comments()


# Values: one token each, as written.


class Literal(Node):
    """A value of one token.  `text` is what was written, without quotes for a `String`."""

    text: str
    span: Span = NOWHERE


class Address(Literal):
    """`192.168.3.10`, `192.168.3.0/24`, `10.0.0.1-10.0.0.9`, and the same in IPv6."""


class Endpoint(Literal):
    """An address, range or name with a port or port range: `192.168.3.10:8080`, `:3128`."""


class Service(Literal):
    """`tcp/80`, `tcp/7000-7010`."""


class Number(Literal):
    """`80`, `1024-65535`."""


class Mark(Literal):
    """`0x1`, `0x1/0x1`."""


class Name(Literal):
    """A defined name, a protocol, an interface: which one, its place decides."""


class String(Literal):
    """`"…"`; `text` has the escapes resolved."""


class Duration(Literal):
    """`500ms`, `2s`, `5m`, `3h`, `1d`."""


class Date(Literal):
    """`2027-01-01`."""


# Sets.


class Item(Node):
    """One element of a braced list.

    Attributes:
        weight: only in the target of `balance`; None is 1.
    """

    value: "SetExpr"
    weight: Number | None = None
    comments: Comments = NO_COMMENTS
    span: Span = NOWHERE


class Braces(Node):
    """`{ a, b }`: the union of its items.

    Attributes:
        closing: whole-line comments before the closing brace.
    """

    items: tuple[Item, ...]
    closing: tuple[str | None, ...] = ()
    span: Span = NOWHERE


class PortList(Node):
    """`tcp/{ 80, 443 }`; `protocol` is the text before the slash."""

    protocol: str
    ports: Braces
    span: Span = NOWHERE


class Except(Node):
    """`base except without`."""

    base: "SetExpr"
    without: "SetExpr"
    span: Span = NOWHERE


class Not(Node):
    """`not operand`, binding more loosely than `except`."""

    operand: "SetExpr"
    span: Span = NOWHERE


SetExpr = (
    Address | Endpoint | Service | Number | Mark | Name | String | Braces | PortList | Except | Not
)


# Parts of rules.


class IpSet(Node):
    """`set { a, b } src`: existing ipsets and which of the packet's parts they are asked about.

    Attributes:
        sets: their names, or an expression of them.
        flags: `src` or `dst` for each dimension of the sets; empty means `src`.
    """

    sets: SetExpr
    flags: tuple[str, ...] = ()
    span: Span = NOWHERE


class Clause(Node):
    """One word of a rule with its value, in the order of the text.

    Attributes:
        keyword: `from`, `to`, `in`, `out`, `on`, `sport`, `mark`, `user`, `set`, `ipv4`, `ipv6` and
            `service` (written without a word) for matches; `persistent`, `random`,
            `random-fully`, `shift`, `hairpin`, `tproxy`, `sticky`, `backup`, `check`, `ports`,
            `except`, `mark` for options; `every`, `rise`, `fall` in a `Check`.
        value: None for a bare word.
    """

    keyword: str
    value: "SetExpr | IpSet | Check | Duration | None" = None
    span: Span = NOWHERE


class Check(Node):
    """`check tcp every 2s rise 2 fall 3`, `check http "/health"`.

    Attributes:
        settings: `every`, `rise` and `fall`, in the order of the text.
    """

    kind: Name
    path: String | None = None
    settings: tuple[Clause, ...] = ()
    span: Span = NOWHERE


# Statements.


class Include(Node):
    """`include "services.nat"`."""

    path: String
    comments: Comments = NO_COMMENTS
    span: Span = NOWHERE


class Definition(Node):
    """`address NAME = SET`, `service NAME = SET`."""

    kind: Choice["address", "service"]
    name: Name
    value: SetExpr
    comments: Comments = NO_COMMENTS
    span: Span = NOWHERE


class Entry(Node):
    """One line of a `zone` or `network` block: `interface eth0`, `forward nat`.

    Attributes:
        value: None never; `dynamic` is the name `dynamic`.
    """

    keyword: str
    value: SetExpr
    comments: Comments = NO_COMMENTS
    span: Span = NOWHERE


class Block(Node):
    """`zone NAME { … }`, `network NAME { … }`."""

    kind: Choice["zone", "network"]
    name: Name
    entries: tuple[Entry, ...]
    closing: tuple[str | None, ...] = ()
    comments: Comments = NO_COMMENTS
    span: Span = NOWHERE


class Host(Node):
    """`node "NAME" { … }`: definitions for one gateway."""

    name: String
    definitions: tuple[Definition, ...]
    closing: tuple[str | None, ...] = ()
    comments: Comments = NO_COMMENTS
    span: Span = NOWHERE


class Rule(Node):
    """A translation rule: verb, matches, `->`, target, options, name.

    Attributes:
        verb: `exempt`, `snat`, `masquerade`, `dnat`, `port-forward`, `transparent-proxy`,
            `balance`.
        clauses: matches and options before the arrow.
        target: a value, or `Braces` of several; None where there is no arrow.
        options: clauses after the target.
    """

    verb: str
    clauses: tuple[Clause, ...]
    target: SetExpr | None = None
    options: tuple[Clause, ...] = ()
    name: Name | None = None
    comments: Comments = NO_COMMENTS
    span: Span = NOWHERE


class Static(Node):
    """`static INSIDE <-> OUTSIDE [on ZONE]`: one to one, in both directions."""

    inside: SetExpr
    outside: SetExpr
    clauses: tuple[Clause, ...] = ()
    name: Name | None = None
    comments: Comments = NO_COMMENTS
    span: Span = NOWHERE


class Allow(Node):
    """`allow CODE [on RULE] [until DATE] because "REASON"`."""

    code: Name
    rule: Name | None
    until: Date | None
    reason: String
    comments: Comments = NO_COMMENTS
    span: Span = NOWHERE


class PacketLine(Node):
    """`tcp 198.51.100.7:40000 > 203.0.113.10:443 in wan`."""

    protocol: Name | Number
    source: SetExpr
    destination: SetExpr
    clauses: tuple[Clause, ...] = ()
    comments: Comments = NO_COMMENTS
    span: Span = NOWHERE


class Result(Node):
    """What becomes of a packet.

    Attributes:
        kind: `unchanged`, `dropped`, `translated`, `rewritten`.
        side: `source` or `destination`, after `translated`; None is either.
        clauses: `to`, `from`, `proxy`, after `rewritten`.
    """

    kind: Choice["unchanged", "dropped", "translated", "rewritten"]
    side: str | None = None
    clauses: tuple[Clause, ...] = ()
    span: Span = NOWHERE


class Expect(Node):
    """`expect to 192.168.3.10:8080 from 192.168.3.1`."""

    result: Result
    comments: Comments = NO_COMMENTS
    span: Span = NOWHERE


class Test(Node):
    """`test "…" { packet … expect … }`."""

    name: String
    lines: tuple[PacketLine | Expect, ...]
    closing: tuple[str | None, ...] = ()
    comments: Comments = NO_COMMENTS
    span: Span = NOWHERE


class Assertion(Node):
    """`assert all|never MATCHES : RESULT`."""

    quantifier: Choice["all", "never"]
    clauses: tuple[Clause, ...]
    result: Result
    comments: Comments = NO_COMMENTS
    span: Span = NOWHERE


AnyStatement = Include | Definition | Block | Host | Rule | Static | Allow | Test | Assertion


class Policy(Node):
    """A whole file.

    Attributes:
        closing: whole-line comments after the last statement.
    """

    statements: Sequence[AnyStatement]
    closing: tuple[str | None, ...] = ()
    span: Span = NOWHERE
