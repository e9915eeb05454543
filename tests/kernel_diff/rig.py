"""Gateways of several flavours side by side: each case goes through all of them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from natc.diagnostics import PolicyError
from natc.packet import Packet
from natc.record import Record
from natc.testlab import Flavour, Lab, LoadError, Observation
from tests.kernel_diff import bench
from tests.kernel_diff.cases import Case


class Complaint(Record):
    """What one kernel did and a witness does not allow."""

    flavour: Flavour
    packet: Packet
    wrong: str

    def __str__(self) -> str:
        return f"{self.flavour}: {self.packet}: {self.wrong}"


class Verdict(Record):
    """How a case fared.

    Attributes:
        probes: packets sent, by all flavours together.
        refusals: of flavours that did not load the rules.
    """

    case: Case
    probes: int
    refusals: tuple[LoadError, ...]
    complaints: tuple[Complaint, ...]


class Rig:
    """A lab of each flavour, as a context.

    A case is begun and finished: what the caller does in between costs no time, as the kernel
    spends most of it waiting.
    """

    def __init__(self, flavours: Sequence[Flavour], *, listeners: bool = False) -> None:
        topology = bench.topology(listeners=listeners)
        self._labs = {flavour: Lab(topology, flavour) for flavour in flavours}
        self._stack = ExitStack()
        self._begun: tuple[Case, list[Packet]] | None = None

    def __enter__(self) -> Self:
        for lab in self._labs.values():
            bench.fill_sets(self._stack.enter_context(lab))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def begin(self, case: Case) -> None:
        """Give a case to the kernels.

        Raises:
            PolicyError: it has no rules.
        """
        lab, *_ = self._labs.values()
        packets = [packet for packet in case.packets if bench.can_be_judged(lab, packet)]
        texts = case.texts
        for each in self._labs.values():
            each.begin(texts, packets)
        self._begun = case, packets

    def finish(self) -> Verdict:
        """Wait for the kernels and judge what they did."""
        assert self._begun is not None, "nothing was begun"
        (case, packets), self._begun = self._begun, None
        seen: dict[Flavour, list[Observation]] = {}
        refusals = []
        for flavour, lab in self._labs.items():
            try:
                seen[flavour] = lab.outcome()
            except LoadError as error:
                refusals.append(error)
        complaints = tuple(_complaints(case, packets, seen))
        return Verdict(case, len(packets) * len(seen), tuple(refusals), complaints)

    def judge(self, case: Case) -> Verdict:
        """Begin and finish a case."""
        self.begin(case)
        return self.finish()

    def fails(self, case: Case) -> bool:
        """Say whether there is something to complain of.

        There is not where there are no rules, where none load, and where the oracle, which reads
        what `tests.strategies` writes and says so by an assertion, cannot follow.
        """
        try:
            return bool(self.judge(case).complaints)
        except (PolicyError, AssertionError):
            return False


def _complaints(
    case: Case, packets: list[Packet], seen: dict[Flavour, list[Observation]]
) -> Iterator[Complaint]:
    for index, packet in enumerate(packets):
        # Flavours mostly agree, and a witness takes longer to ask than a kernel.
        answers: dict[Observation, str | None] = {}
        for flavour, observations in seen.items():
            observation = observations[index]
            if observation not in answers:
                answers[observation] = case.complaint(packet, observation)
            wrong = answers[observation]
            if wrong is not None:
                yield Complaint(flavour, packet, wrong)
