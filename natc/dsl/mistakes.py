"""Turns a parser's complaint into what a person needs: what was found, what could stand there."""

import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from lark import Token, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from natc.diagnostics import Diagnostic, Label
from natc.source import Source, Span

_WORDS = {
    "ADDRESS": "an address",
    "ENDPOINT": "an address with a port",
    "SERVICE": "a service such as `tcp/80`",
    "PORTS_OPEN": "ports such as `tcp/{80,443}`",
    "NUMBER": "a number",
    "MARK": "a mark such as `0x1/0x1`",
    "NAME": "a name",
    "STRING": "a quoted text",
    "DURATION": "a duration such as `2s`",
    "DATE": "a date such as `2027-01-31`",
    "VERB": "a rule",
    "FAMILY": "`ipv4` or `ipv6`",
    "FLAG": "`src` or `dst`",
    "OPEN": "`{`",
    "CLOSE": "`}`",
    "_NEWLINE": "the end of the line",
    "$END": "the end of the statement",
}

_VALUES = frozenset(
    {"ADDRESS", "ENDPOINT", "SERVICE", "PORTS_OPEN", "NUMBER", "MARK", "NAME", "STRING", "OPEN"}
)

_MATCHES = frozenset({"FROM", "TO", "IN", "OUT", "ON", "SPORT", "SET"})

_STATEMENT_WORDS = (
    "include address service zone network node exempt static snat masquerade dnat port-forward "
    "transparent-proxy balance allow test assert"
)
_STATEMENTS = tuple(_STATEMENT_WORDS.split(" "))

_ENDS = frozenset({"CLOSE", "_NEWLINE", "SEMICOLON", "$END"})

_IPTABLES = ("-", "*", ":", "COMMIT", "iptables", "ip6tables")
"""How lines for iptables begin."""

_DIGITS = re.compile(r"\d[\d.:-]*")

_AROUND = 200
"""Characters to look at on each side of a place."""

_PORTS = r"[0-9]+(?:-[0-9]+)?"
_COMMA = r"[ \t]*,[ \t]*"

_OPTIONS = {
    "-s": "from",
    "-d": "to",
    "-i": "in",
    "-o": "out",
    "--sport": "sport",
    "--to": "->",
    "--to-source": "->",
    "--to-destination": "->",
}
"""Options of iptables, and the word that says the same here."""

_ENTRY = r"(?:interface|address|subnet|bridge|forward|ports|owner)"

_SLIPS: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    # Arrows of other languages.
    (r"=>|→|–>|--+>|(?<=[ \t])>", lambda _: "write `->`"),
    # Options of iptables.
    (r"--(?:dports?|destination-ports?)\b", lambda _: "ports follow the protocol: `tcp/80`"),
    (
        r"(?<!\S)(-[sdio]|--sport|--to|--to-source|--to-destination)[ \t]+([^\s{};]+)",
        lambda found: f"write `{_OPTIONS[found[1]]} {found[2]}`",
    ),
    # Entries of a block.
    (rf",(?=[ \t]*{_ENTRY}\b)", lambda _: "entries of a block stand apart by `;`"),
    (rf"\b({_ENTRY})[ \t]*:", lambda found: f"write `{found[1]}` without the `:`"),
    # Services as other programs write them.
    (rf"\b({_PORTS})/(tcp|udp|sctp)\b", lambda found: f"write `{found[2]}/{found[1]}`"),
    (
        rf"\b(tcp|udp|sctp)[/ \t]({_PORTS}(?:{_COMMA}{_PORTS})+)",
        lambda found: f"write `{found[1]}/{{{','.join(re.split(_COMMA, found[2]))}}}`",
    ),
    (
        r"(?i:\b(?:tcp|udp|sctp)/[0-9][0-9,{}-]*)",
        lambda found: f"did you mean `{found.group().lower()}`?",
    ),
    # Options of a balance.
    (r"[0-9]+[ \t]*%", lambda _: "weights are whole numbers; each gets its part of their sum"),
    (r"\bsticky[ \t]+([0-9]+[a-z]+)", lambda found: f"write `sticky for {found[1]}`"),
    # Targets.
    (
        r"->[ \t]*([0-9.]+)[ \t]+([0-9]+)(?![0-9.])",
        lambda found: f"write `{found[1]}:{found[2]}`",
    ),
    (r"->[ \t]*[^\s{}]+:[A-Za-z]", lambda _: "a port is a number from 1 to 65535"),
    # Sets.
    (
        r"([0-9.]+)(?:[ \t]+-[ \t]*|-[ \t]+)([0-9.]+)",
        lambda found: f"write `{found[1]}-{found[2]}`",
    ),
    (
        r"([0-9A-Fa-f.:]+)[ \t]+(/[0-9.]+)",
        lambda found: f"write `{found[1]}{found[2]}`: no blank before `{found[2]}`",
    ),
    (
        rf"[^\s,{{}}]+(?:{_COMMA}[^\s,{{}}]+)+",
        lambda found: f"write a list: `{{ {', '.join(re.split(_COMMA, found.group()))} }}`",
    ),
    (
        r"->[ \t]*([^\s{}]+[ \t]+except[ \t]+(?!user\b)[^\s{}]+)",
        lambda found: f"write `-> {{ {found[1]} }}`",
    ),
    (
        r"![ \t]*(from|to|in|out|sport)[ \t]+([^\s,{}]+)",
        lambda found: f"write `{found[1]} not {found[2]}`",
    ),
    (r"![ \t]*([^\s,{}]+)", lambda found: f"write `not {found[1]}`"),
    # Words in the wrong order.
    (
        r"\b(as[ \t]+[^\s{};]+)[ \t]+((?:hairpin|persistent|random|random-fully|shift|sticky)\b)",
        lambda found: f"options stand before `as`: `{found[2]} {found[1]}`",
    ),
)
"""What people write from habit, and what to say then; the first that covers the place is meant."""


def explain(error: UnexpectedInput, statement: Span, parser: Any) -> Diagnostic:
    """Return NAT000 for a statement that the grammar does not know."""
    source = statement.source
    if isinstance(error, UnexpectedToken):
        token = error.token
        expected = set(error.expected)
        if token.type == "$END":
            place = Span(source, statement.end, statement.end)
            return _diagnostic("the statement ends too early", place, expected, None, parser)
        place = Span(
            source, statement.start + (token.start_pos or 0), statement.start + (token.end_pos or 0)
        )
        return _diagnostic(f"unexpected {_shown(token)}", place, expected, token, parser)
    if isinstance(error, UnexpectedCharacters):
        start = statement.start + (error.pos_in_stream or 0)
        place = Span(source, start, start + 1)
        character = source.text[start : start + 1]
        if character == '"':
            return Diagnostic(
                "NAT000", "this text is never closed", Label(place), help='end it with `"`'
            )
        word = _word(source.text, start)
        digits = _DIGITS.search(word)
        if digits is not None and not digits.group().isascii():
            return _foreign_digits(digits.group(), source, start + digits.start())
        place = Span(source, start, start + max(1, len(word)))
        return _diagnostic(
            f"unexpected `{word or character}`", place, set(error.allowed or ()), None, parser
        )
    raise AssertionError("Lark has no other unexpected input") from error


def _foreign_digits(text: str, source: Source, start: int) -> Diagnostic:
    return Diagnostic(
        "NAT000",
        f"`{text}` has digits of another script",
        Label(Span(source, start, start + len(text))),
        help=f"write `{''.join(str(int(c)) if c.isdecimal() else c for c in text)}`",
    )


def _word(text: str, start: int) -> str:
    end = start
    while end < len(text) and not text[end].isspace() and text[end] not in "{};,#":
        end += 1
    return text[start:end]


def _shown(token: Token) -> str:
    if token.type == "_NEWLINE":
        return "end of line"
    return f"`{token}`"


def _diagnostic(
    message: str, place: Span, expected: set[str], token: Token | None, parser: Any
) -> Diagnostic:
    could = _expected(expected, parser)
    label = Label(place, f"expected {could}" if could else "")
    help_ = _help(place, expected, token) or _near_word(place.text, expected, parser)
    return Diagnostic("NAT000", message, label, help=help_)


def _slip(place: Span) -> str | None:
    position = place.source.position(place.start)
    line, column = place.source.line(position.line), position.column - 1
    cut = max(0, column - _AROUND)
    near, at = line[cut : column + _AROUND], column - cut
    for pattern, said in _SLIPS:
        for found in re.finditer(pattern, near):
            if found.start() <= at < found.end():
                return said(found)
    return None


def _expected(expected: set[str], parser: Any) -> str:
    """Return what could stand there, at most six things, words in the order of the grammar."""
    shown: list[str] = []
    if expected >= {"ADDRESS", "NAME", "OPEN"}:
        expected = expected - _VALUES - {"NOT"}
        shown.append("a value")
    if "VERB" in expected:
        return "a statement"
    terminals = parser.terminals
    order = {terminal.name: index for index, terminal in enumerate(terminals)}
    text = {t.name: str(t.pattern.value) for t in terminals if t.pattern.type == "str"}
    expected = expected - ({"_NEWLINE", "SEMICOLON"} if "$END" in expected else set())
    names = sorted(expected, key=lambda name: order.get(name, len(order)))
    if len(shown) + len(names) > 6 and _ENDS & expected:
        names = [name for name in names if name not in _ENDS]  # Ends go without saying.
    shown += (_WORDS.get(n) or f"`{text[n]}`" for n in names if n in _WORDS or n in text)
    shown = list(dict.fromkeys(shown))
    if len(shown) > 6:
        return ""
    return " or ".join(shown) if len(shown) < 3 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def _help(place: Span, expected: set[str], token: Token | None) -> str | None:
    """Return the nearest valid form, where it is clear."""
    text = place.text
    if "VERB" in expected:
        if text.startswith(_IPTABLES):
            return "`natc import` makes a policy of rules for iptables"
        near = get_close_matches(text, _STATEMENTS, n=1)
        return f"did you mean `{near[0]}`?" if near else None
    if "MORETHAN" in expected and get_close_matches(_first_word(place), ["expect"], cutoff=0.75):
        return "did you mean `expect`?"
    slip = _slip(place)
    if slip is not None:
        return slip
    if token is not None and token.type in _MATCHES and "SHIFT" in expected:
        return f"write `{text} …` before `->`: what a rule matches comes first"
    if text.startswith("/") and "NAME" in expected:
        return "a port is a number from 1 to 65535; name a service for it: `service ssh = tcp/22`"
    if "EQUAL" in expected:
        return "a definition has a `=`: `address web = 192.168.3.10`"
    return None


def _first_word(place: Span) -> str:
    """Return the word that the line of a test begins with."""
    before = place.source.text[max(0, place.start - _AROUND) : place.start]
    words = re.split(r"[{;\n]", before)[-1].split()
    return words[0] if words else ""


def _near_word(text: str, expected: set[str], parser: Any) -> str | None:
    """Return help for a word that is almost one that could stand there."""
    words = [
        str(terminal.pattern.value)
        for terminal in parser.terminals
        if terminal.name in expected and terminal.pattern.type == "str"
    ]
    near = get_close_matches(text, words, n=1, cutoff=0.75)
    return f"did you mean `{near[0]}`?" if near else None
