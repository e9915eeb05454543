"""The catalogue and the modules of the rules say the same."""

from importlib import import_module
from pathlib import Path

import pytest

from natc.lint import rules
from natc.lint.catalogue import BY_CODE, ENTRIES, ON_A_GATEWAY, Entry, entry

IN_TEXTS = tuple(one for one in ENTRIES if one.by not in ON_A_GATEWAY)
"""What is found in policies and rules; tests/host/findings looks at the others."""


def test_codes_are_sorted_and_stand_once():
    codes = [one.code for one in ENTRIES]
    assert codes == sorted(set(codes))


@pytest.mark.parametrize("one", ENTRIES, ids=lambda one: one.slug)
def test_a_summary_is_half_a_sentence(one: Entry):
    assert not one.summary.endswith(".")
    assert one.summary[0] in "`IT" or one.summary[0].islower()  # IPv4, TPROXY, iptables.


def test_every_module_has_a_row():
    modules = {path.stem for path in Path(*rules.__path__).glob("*.py")} - {"__init__"}
    assert modules == {one.module.rpartition(".")[2] for one in IN_TEXTS}


@pytest.mark.parametrize("one", IN_TEXTS, ids=lambda one: one.slug)
def test_what_the_linter_finds_has_a_check(one: Entry):
    checks = hasattr(import_module(one.module), "check")
    assert checks == (one.by == "lint" and one.code != "NAT010")  # Found after all others.


def test_errors_of_the_compiler_are_errors_and_always_on():
    for one in ENTRIES:
        if one.by == "compiler":
            assert (str(one.severity), one.on) == ("error", True)


def test_entries_are_found_by_code_and_name():
    assert entry("NAT002") is entry("unused-definition") is BY_CODE["NAT002"]
    assert entry("NAT999") is None
