"""The short cut for rules that are alike changes nothing but the time."""

import random
import re
import sys
from collections.abc import Callable
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from natc import pipeline
from natc.diagnostics import PolicyError
from natc.elaborate import shaped
from natc.elaborate.shaped import OFTEN
from natc.source import Source
from natc.targets.iptables.write import write
from tests.strategies import HAIRPINS, KERNEL, SMALL, policy_texts

_RULE = re.compile(r"(?:snat|dnat|port-forward|masquerade|exempt|static|transparent-proxy) ")
_HOST = re.compile(r"(?<![0-9./-])[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+(?![0-9./-])")
_PORT = re.compile(r"(?<=[a-z]/|[0-9]:)[0-9]+(?![0-9-])")
_HOSTS = ("10.0.0.7", "192.168.3.2", "203.0.113.1", "1.0.0.0", "127.0.0.1", "223.255.255.255")
_PORTS = ("1", "7", "80", "443", "9999", "65535")
_OTHER_HOSTS = ("0.0.0.0", "0.255.255.255", "224.0.0.1", "255.255.255.255", "010.0.0.1", "1.2.3")
_OTHER_PORTS = ("0", "080", "65536", "80-90", "90-80")


def read(name: str) -> str:
    raise FileNotFoundError(name)


def repetitive(text: str, chance: random.Random) -> str:
    """Return a text whose rules come often, with other values, names and comments.

    In some texts, values and names are now and then wrong.
    """
    lines = []
    wrong = chance.choice((0, 0, 0, 0.02))
    for line in text.split("\n"):
        lines.append(line)
        if not _RULE.match(line) or line.count("{") != line.count("}") or " as " in line:
            continue
        named = chance.random() < 0.3
        for _ in range(OFTEN + 8):
            is_wrong = chance.random() < wrong
            other = _HOST.sub(_one_of(_OTHER_HOSTS if is_wrong else _HOSTS, chance), line)
            other = _PORT.sub(_one_of(_OTHER_PORTS if is_wrong else _PORTS, chance), other)
            name = f" as r{len(lines) // (1 + is_wrong)}" if named else ""
            lines.append(other + name + chance.choice(("", "", "", "  # why")))
    return "\n".join(lines)


def _one_of(values: tuple[str, ...], chance: random.Random) -> Callable[[re.Match[str]], str]:
    return lambda _: chance.choice(values)


def compiled(source: Source) -> object:
    """Return what `natc compile` prints, or says is wrong."""
    try:
        return {kind: write(rules) for kind, rules in pipeline.compile_rules(source, read).items()}
    except PolicyError as error:
        return error.diagnostics


@given(policy_texts(SMALL) | policy_texts(HAIRPINS) | policy_texts(KERNEL), st.randoms())
def test_alike_rules_compile_to_what_each_means(text: str, chance: random.Random) -> None:
    source = Source("gateway/law.nat", repetitive(text, chance))
    made = compiled(source)
    with patch.object(shaped, "OFTEN", sys.maxsize):
        assert made == compiled(source)
