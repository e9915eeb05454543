"""What the tests and assertions of a policy come to in natc's model."""

from collections.abc import Iterable, Iterator, Sequence

from natc.diagnostics import Diagnostic, Label
from natc.ir.policy import Assertion, Policy, Test
from natc.record import Record
from natc.simulate.expect import difference, shown
from natc.simulate.promise import Counterexample, counterexample
from natc.simulate.single import Simulator, simulate
from natc.simulate.trace import Outcome
from natc.source import Span

MODEL = "natc's model"


class Tested(Record):
    """One packet of a test, simulated.

    Attributes:
        outcomes: every way in which the packet can end.
        became: the same in the words of `expect`.
        problem: what is not as expected; None when all is.
    """

    test: Test
    outcomes: tuple[Outcome, ...]
    became: str
    problem: str | None

    @property
    def deciders(self) -> tuple[Span, ...]:
        """Where the rules stand that decided, in the order of the packet's way."""
        return tuple(step.rule.origin for one in self.outcomes for step in one.steps if step.rule)


def tested(meaning: Policy) -> Iterator[Tested]:
    """Yield each packet of a policy's tests with what becomes of it."""
    simulated = Simulator(meaning)
    for test in meaning.tests:
        outcomes = tuple(simulated(test.packet).outcomes)
        wrong = [
            said
            for outcome in outcomes
            if (said := difference(test.expected, test.packet, outcome)) is not None
        ]
        became = _either(shown(test.packet, outcome) for outcome in outcomes)
        yield Tested(test, outcomes, became, _either(wrong) or None)


class Promise(Record):
    """One assertion, decided.

    Attributes:
        broken: packets that break it; None when it is kept.
        became: what becomes of one of them in natc's model, in the words of `expect`.
        seen: what became of it in each kernel that was asked.
    """

    assertion: Assertion
    broken: Counterexample | None
    became: str = ""
    seen: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The assertion as it is written, on one line."""
        return " ".join(self.assertion.origin.text.split())

    @property
    def test(self) -> Test:
        """Its counterexample as a test, for a kernel to replay."""
        if self.broken is None:
            raise ValueError("a promise that is kept has no counterexample")
        where = self.assertion.origin
        return Test(self.name, self.broken.packet, self.assertion.expected, where, where)


def decided(meaning: Policy) -> Iterator[Promise]:
    """Yield each assertion of a policy with what breaks it, if anything does."""
    for assertion in meaning.assertions:
        broken = counterexample(meaning, assertion)
        if broken is None:
            yield Promise(assertion, None)
            continue
        outcomes = simulate(meaning, broken.packet).outcomes
        became = _either(shown(broken.packet, outcome) for outcome in outcomes)
        yield Promise(assertion, broken, became)


def _either(texts: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(texts))


def broken_assertion(promise: Promise) -> Diagnostic | None:
    """Return NAT113 for a promise that is broken."""
    if promise.broken is None:
        return None
    places = [step.rule.origin for step in promise.broken.end.way.steps if step.rule]
    return Diagnostic(
        "NAT113",
        "a promise about all packets is broken",
        Label(promise.assertion.origin, f"{MODEL}: {promise.became}"),
        _deciders(places),
        promise.broken.packet,
        tuple(f"the {engine} kernel: {words}" for engine, words in promise.seen),
    )


def failed_test(
    test: Test,
    said: str,
    engines: Sequence[str] = (MODEL,),
    deciders: Iterable[Span] | None = None,
) -> Diagnostic:
    """Return NAT114 for a packet that does not become what its test expects.

    Args:
        said: what became of it.
        engines: who says so.
        deciders: the rules that decided in the model; None where the model does not say so.
    """
    several = len(engines) > 1
    who = f"{', '.join(engines[:-1])} and {engines[-1]} alike" if several else engines[0]
    places = None if deciders is None else _deciders(deciders)
    return Diagnostic(
        "NAT114",
        f"the test `{test.name}` fails in {who}",
        Label(test.expected_at, f"{'each' if several else engines[0]}: {said}"),
        (Label(test.origin, "this packet"), *(places or ())),
        test.packet,
        ("no rule decides it",) if places == () else (),
    )


def _deciders(places: Iterable[Span]) -> tuple[Label, ...]:
    return tuple(Label(place, "decides it") for place in dict.fromkeys(places))
