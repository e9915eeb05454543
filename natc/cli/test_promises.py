"""What `natc test` says of a policy's `assert`s."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from natc.diagnostics import Diagnostic, Label
from natc.diagnostics.text import printable
from natc.ir.policy import Assertion, Policy, Test
from natc.record import Record
from natc.simulate import simulate
from natc.simulate.expect import shown
from natc.simulate.promise import Counterexample, counterexample


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
        became = dict.fromkeys(shown(broken.packet, outcome) for outcome in outcomes)
        yield Promise(assertion, broken, " or ".join(became))


def lines(promises: Sequence[Promise]) -> Iterator[str]:
    """Yield a line for each promise and the sum of them."""
    source = None
    width = max((len(printable(promise.name)) for promise in promises), default=0)
    for promise in promises:
        name = promise.assertion.origin.source.name
        if name != source:
            source = name
            yield printable(name)
        said = "kept" if promise.broken is None else "BROKEN"
        yield f"  {printable(promise.name):{width}}   {said}"
    broken = sum(promise.broken is not None for promise in promises)
    noun = "assertion" if len(promises) == 1 else "assertions"
    if broken:
        yield f"{broken} of {len(promises)} {noun} broken"
    elif promises:
        yield f"{len(promises)} {noun} kept"


def diagnostics(promises: Iterable[Promise]) -> Iterator[Diagnostic]:
    """Yield NAT113 for each promise that is broken."""
    for promise in promises:
        if promise.broken is None:
            continue
        places = [step.rule.origin for step in promise.broken.end.way.steps if step.rule]
        yield Diagnostic(
            "NAT113",
            "a promise about all packets is broken",
            Label(promise.assertion.origin, f"natc's model: {promise.became}"),
            tuple(Label(place, "decides it") for place in dict.fromkeys(places)),
            promise.broken.packet,
            tuple(f"the {engine} kernel: {words}" for engine, words in promise.seen),
        )


def json_rows(promises: Iterable[Promise]) -> list[dict[str, Any]]:
    """Return the promises for `natc test --format json`."""
    return [
        {
            "file": promise.assertion.origin.source.name,
            "line": promise.assertion.origin.line,
            "assertion": promise.name,
            "kept": promise.broken is None,
            "packet": None if promise.broken is None else str(promise.broken.packet),
            "became": promise.became or None,
            "seen": dict(promise.seen),
        }
        for promise in promises
    ]
