"""The same policy gives the same bytes, however it is laid out and whenever it is compiled."""

import os
import re
import subprocess
import sys
from pathlib import Path

from hypothesis import given, note

from natc.address import Family
from natc.dsl.format import format as write
from natc.dsl.parser import parse
from natc.elaborate import lower
from natc.pipeline import rulesets
from natc.source import Source
from natc.targets.iptables.write import Form
from natc.targets.iptables.write import write as write_rules
from tests.strategies import Shape, policy_texts

_LINE_NUMBER = re.compile(r"law\.nat:[0-9]+")


def compiled(text: str) -> dict[tuple[Family, Form], str]:
    """Return everything that a policy compiles to."""
    made = rulesets(lower(parse(Source("law.nat", text))))
    return {
        (family, form): write_rules(rules, form) for family, rules in made.items() for form in Form
    }


@given(policy_texts(Shape()))
def test_compiling_twice_gives_the_same_bytes(text: str) -> None:
    assert compiled(text) == compiled(text)


@given(policy_texts(Shape()))
def test_formatting_does_not_change_the_rules(text: str) -> None:
    neat = write(parse(Source("law.nat", text)))
    note(neat)
    before, after = compiled(text), compiled(neat)
    assert before.keys() == after.keys()
    for key, rules in before.items():
        assert _LINE_NUMBER.sub("law.nat:N", rules) == _LINE_NUMBER.sub("law.nat:N", after[key])


EXAMPLES = sorted((Path(__file__).parents[2] / "policies").glob("*.nat"))

_PROGRAM = """
import sys
from pathlib import Path
from tests.laws.test_determinism import compiled
for name in sys.argv[1:]:
    text = Path(name).read_text(encoding="utf-8")
    if "include " not in text:
        print(*(f"{family} {form}\\n{rules}" for (family, form), rules in compiled(text).items()))
"""


def test_the_bytes_do_not_depend_on_the_order_of_hashes() -> None:
    made = set()
    for seed in ("1", "2", "3"):
        finished = subprocess.run(
            [sys.executable, "-c", _PROGRAM, *map(str, EXAMPLES)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        made.add(finished.stdout)
    assert len(made) == 1
    assert "COMMIT" in made.pop()
