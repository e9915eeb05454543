"""A policy's tests through a real kernel."""

from collections.abc import Iterator, Mapping

from natc.address import Family
from natc.flavours import Flavour
from natc.ir.conditions import InSet
from natc.ir.fields import Field
from natc.ir.policy import Policy, Rule, Test
from natc.record import Record
from natc.testlab.compare import check
from natc.testlab.errors import LabUnavailable
from natc.testlab.lab import Lab
from natc.testlab.plan import plan
from natc.testlab.probe import Observation

_SET_KINDS = {1: "hash:net", 2: "hash:net,net"}
"""Kinds of ipset by the number of dimensions that a rule looks at."""


class TestResult(Record):
    """How one test fared.

    Attributes:
        observation: None when the lab could not make the packet.
        problem: None when the kernel did as expected, else a sentence.
    """

    __test__ = False

    test: Test
    observation: Observation | None
    problem: str | None


def run_tests(
    policy: Policy, texts: Mapping[Family, str], flavour: Flavour = Flavour.NFT
) -> list[TestResult]:
    """Load the compiled `texts` and send every test's packet, each as a first one.

    The ipsets that rules look at exist and are empty.

    Raises:
        LabUnavailable: this machine, or this user, cannot run the lab that the policy needs.
        LoadError: a text was refused.
    """
    with Lab(plan(policy), flavour) as lab:
        if not lab.has_all_users and _names_users(policy):
            raise LabUnavailable("rules that name a user need a lab that root makes")
        for name, (dimensions, family) in sorted(_ipsets(policy).items()):
            lab.ipset(name, kind=_SET_KINDS[dimensions], family=family)
        for family, text in sorted(texts.items()):
            lab.load(text, family)
        obstacles = [lab.obstacle(test.packet) for test in policy.tests]
        observed = iter(
            lab.probe(
                test.packet
                for test, reason in zip(policy.tests, obstacles, strict=True)
                if reason is None
            )
        )
        return [
            _result(test, reason, None if reason else next(observed))
            for test, reason in zip(policy.tests, obstacles, strict=True)
        ]


def _result(test: Test, reason: str | None, observation: Observation | None) -> TestResult:
    if observation is None:
        return TestResult(test, None, f"not testable: {reason}")
    return TestResult(test, observation, check(test, observation))


def _names_users(policy: Policy) -> bool:
    return any(box.get(Field.USER) is not None for rule in policy.rules for box in rule.match.boxes)


def _ipsets(policy: Policy) -> dict[str, tuple[int, Family]]:
    """Return the dimensions and the family of each set that rules look at, by name."""
    found: dict[str, tuple[int, Family]] = {}
    for rule in policy.rules:
        for name, dimensions in _looked_at(rule):
            found.setdefault(name, (dimensions, rule.family))
    return found


def _looked_at(rule: Rule) -> Iterator[tuple[str, int]]:
    for box in rule.match.boxes:
        for condition in box.conditions:
            if isinstance(condition, InSet):
                yield condition.name, len(condition.flags)
