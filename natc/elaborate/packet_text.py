"""A packet that stands alone, as `natc trace --packet` takes it: the line of a `test` block.

A text of its own is made for it, with a test around it; what is wrong there is told of the packet.
"""

import re
from collections.abc import Iterable

from natc.diagnostics import Diagnostic, Label, PolicyError
from natc.dsl import ast, parser
from natc.dsl.keywords import KEYWORDS
from natc.elaborate.context import Context
from natc.elaborate.problem import Problem
from natc.elaborate.promises import packet
from natc.packet import Packet
from natc.record import Record, replace
from natc.source import Source, Span

_BEFORE = 'test "packet" {\n'
_AFTER = "\nexpect unchanged\n}\n"

_FOREIGN = re.compile("[{};\n]")
"""What would end the packet, or the test around it."""

_INTERFACE = re.compile(r'(?<=\s)(?:in|out)[ \t]+(?P<name>[^\s"#]+)')
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.+-]*")

_EXAMPLE = "write `tcp 198.51.100.7:40000 > 203.0.113.2:80 in eth0`"


def read_packets(places: Iterable[Span], context: Context) -> list[Packet]:
    """Read packets, each covered by its place; names mean what they mean in the policy.

    Raises:
        PolicyError: see `read_packet`, for all packets at once.
    """
    packets: list[Packet] = []
    problems: list[Diagnostic] = []
    for place in places:
        try:
            packets.append(read_packet(place, context))
        except PolicyError as error:
            problems += error.diagnostics
    if problems:
        raise PolicyError(problems)
    return packets


def read_packet(place: Span, context: Context) -> Packet:
    """Read the packet that `place` covers.

    Raises:
        PolicyError: NAT000, NAT014 for what is no packet, and all that a packet in a `test` gets.
    """
    wrapped = _Wrapped.of(place)
    try:
        _check(place)
        return packet(_line(wrapped), context)
    except Problem as problem:
        raise PolicyError([wrapped.unwrapped(problem.diagnostic)]) from None
    except PolicyError as error:
        raise PolicyError(map(wrapped.unwrapped, error.diagnostics)) from None


def _check(place: Span) -> None:
    """Refuse what would not stay one packet.

    Raises:
        Problem: NAT000.
    """
    found = _FOREIGN.search(place.text)
    if found is not None:
        where = Span(place.source, place.start + found.start(), place.start + found.end())
        what = "a line end" if found.group() == "\n" else f"`{found.group()}`"
        raise Problem("NAT000", f"{what} in a packet", where, help=_EXAMPLE)
    if not place.text.split("#", maxsplit=1)[0].strip():
        raise Problem("NAT000", "no packet here", place, help=_EXAMPLE)


def _line(wrapped: "_Wrapped") -> ast.PacketLine:
    """Parse a packet.

    Raises:
        PolicyError: NAT000, NAT014.
        Problem: NAT000.
    """
    policy, problems = parser.read(wrapped.source)
    if problems:
        raise PolicyError(replace(each, help=each.help or _EXAMPLE) for each in problems)
    (test,) = policy.statements
    if not isinstance(test, ast.Test) or not isinstance(test.lines[0], ast.PacketLine):
        raise Problem("NAT000", "not a packet", wrapped.place, help=_EXAMPLE)
    return test.lines[0]


class _Wrapped(Record):
    """A packet in a text of its own.

    Attributes:
        place: where it comes from.
        added: where, in `place`, a quotation mark was put before a character, in order.
    """

    place: Span
    source: Source
    added: tuple[int, ...]

    @classmethod
    def of(cls, place: Span) -> "_Wrapped":
        """Wrap a packet; interfaces that the language does not read as names get quotes."""
        pieces, added, done = [], [], 0
        for found in _INTERFACE.finditer(place.text):
            name = found["name"]
            if _NAME.fullmatch(name) is None or name in KEYWORDS:
                start, end = found.span("name")
                pieces += [place.text[done:start], f'"{name}"']
                added += [start, end]
                done = end
        text = "".join([*pieces, place.text[done:]])
        return cls(place, Source(place.source.name, f"{_BEFORE}{text}{_AFTER}"), tuple(added))

    def unwrapped(self, problem: Diagnostic) -> Diagnostic:
        """Return a problem whose labels in this text lie in the packet."""
        related = tuple(self._label(label) for label in problem.related)
        return replace(problem, primary=self._label(problem.primary), related=related)

    def _label(self, label: Label) -> Label:
        if label.span.source is not self.source:
            return label
        start, end = self._offset(label.span.start), self._offset(label.span.end)
        return replace(label, span=Span(self.place.source, start, end))

    def _offset(self, offset: int) -> int:
        at = offset - len(_BEFORE)
        for index, position in enumerate(self.added):
            if at <= position + index:
                at -= index
                break
        else:
            at -= len(self.added)
        return self.place.start + min(max(at, 0), self.place.end - self.place.start)
