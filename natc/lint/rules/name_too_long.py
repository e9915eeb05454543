"""A name or a text that is longer than iptables takes.

## Why it matters

Interfaces have 15 bytes and chains 28: iptables refuses longer ones, and the whole text with them.
Comments are cut after 255 bytes and the prefixes of LOG after 29 without a word, so that what looks
for the whole text later does not find it.

## Example

```nat
masquerade out enterprise-uplink0  # error: [name-too-long]
masquerade out uplink0
```

```iptables
*nat
# error: [name-too-long]
-A POSTROUTING -o enterprise-uplink0 -j MASQUERADE
-A POSTROUTING -o enterprise+ -j MASQUERADE
# error: [name-too-long]
-A POSTROUTING -o uplink1 -j LOG --log-prefix "leaves by the second uplink of all: "
COMMIT
```

## Precision

Exact: lengths are those of UTF-8.
"""

from collections.abc import Iterator

from natc.diagnostics import Diagnostic, Label
from natc.lint.chains import places
from natc.lint.subject import Subject
from natc.record import Record
from natc.source import Span
from natc.targets.iptables.model import Rule


class _Limit(Record):
    """How long something may be.

    Attributes:
        most: bytes.
        then: what becomes of a longer one.
    """

    what: str
    most: int
    then: str


_CHAIN = _Limit("the name of a chain", 28, "iptables refuses it")
_INTERFACE = _Limit("the name of an interface", 15, "iptables refuses it")
_COMMENT = _Limit("a comment", 255, "the rest is cut off")
_PREFIX = _Limit("a prefix for the log", 29, "the rest is cut off")

_INTERFACES = frozenset({"-i", "-o"})


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield a finding for each chain and rule with something that is too long."""
    for place in places(subject):
        yield from _too_long(place.name, _CHAIN, place.origin)
        for rule in place.rules:
            for text, limit in _texts(rule):
                if len(text) * 4 > limit.most:
                    yield from _too_long(text, limit, rule.origin)


def _texts(rule: Rule) -> Iterator[tuple[str, _Limit]]:
    for match in rule.matches:
        if match.module:
            break  # The built-in ones stand first.
        option = match.options[0]
        if option.flag in _INTERFACES:
            yield option.values[0], _INTERFACE
    if rule.comment is not None:
        yield rule.comment, _COMMENT
    if rule.jump is not None and rule.jump.target == "LOG":
        for option in rule.jump.options:
            if option.flag == "--log-prefix":
                yield option.values[0], _PREFIX


def _too_long(text: str, limit: _Limit, origin: Span) -> Iterator[Diagnostic]:
    size = len(text.encode())
    if size > limit.most:
        label = Label(origin, f"{size} bytes, of at most {limit.most}: {limit.then}")
        yield Diagnostic("NAT204", f"{limit.what} that is too long", label)
