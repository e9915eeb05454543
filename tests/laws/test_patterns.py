"""The short cut for rules that are alike changes nothing but the time."""

import random
import re

from hypothesis import given
from hypothesis import strategies as st

from natc import pipeline
from natc.diagnostics import PolicyError
from natc.patterns import OFTEN
from natc.source import Source
from natc.targets.iptables.write import write
from tests.strategies import HAIRPINS, KERNEL, SMALL, policy_texts

_RULE = re.compile(r"(?:snat|dnat|port-forward|masquerade|exempt|static|transparent-proxy) ")
_HOST = re.compile(r"(?<![0-9./-])[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+(?![0-9./-])")
_PORT = re.compile(r"(?<=[a-z]/|[0-9]:)[0-9]+(?![0-9-])")
_HOSTS = ("10.0.0.7", "192.168.3.2", "203.0.113.1", "1.0.0.0", "127.0.0.1", "223.255.255.255")
_PORTS = ("1", "7", "80", "443", "9999", "65535")


def read(name: str) -> str:
    raise FileNotFoundError(name)


def repetitive(text: str, chance: random.Random) -> str:
    """Return a text whose rules come often, with other values, names and comments."""
    lines = []
    for line in text.split("\n"):
        lines.append(line)
        if not _RULE.match(line) or line.count("{") != line.count("}") or " as " in line:
            continue
        named = chance.random() < 0.3
        for _ in range(OFTEN + 8):
            other = _HOST.sub(lambda _: chance.choice(_HOSTS), line)
            other = _PORT.sub(lambda _: chance.choice(_PORTS), other)
            name = f" as r{len(lines)}" if named else ""
            lines.append(other + name + chance.choice(("", "", "", "  # why")))
    return "\n".join(lines)


@given(policy_texts(SMALL) | policy_texts(HAIRPINS) | policy_texts(KERNEL), st.randoms())
def test_alike_rules_compile_to_what_each_means(text: str, chance: random.Random) -> None:
    source = Source("gateway/law.nat", repetitive(text, chance))
    try:
        meant = pipeline.rulesets(pipeline.understand(source, read))
    except PolicyError:
        return
    made = pipeline.compile_rules(source, read)
    assert {family: write(rules) for family, rules in made.items()} == {
        family: write(rules) for family, rules in meant.items()
    }
