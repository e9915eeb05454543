"""Random policies and rule sets from seeds: the kernel does what the witnesses say.

`NATC_KERNEL_EXAMPLES` sets how many; each run begins with a fresh seed and says which, or with
`NATC_KERNEL_SEED`.  `make fuzz-kernel` tries any number.
"""

import os

import pytest

from natc.testlab import Flavour
from tests.kernel_diff import kept, seeds
from tests.kernel_diff.fuzz import Share, verdicts
from tests.kernel_diff.rig import Rig

pytestmark = pytest.mark.kernel

COUNT = 2 * int(os.environ.get("NATC_KERNEL_EXAMPLES", "40"))
PACKETS = 30
FLAVOURS = tuple(Flavour)


@pytest.mark.parametrize("kind", seeds.KINDS)
def test_the_kernel_does_what_the_witnesses_say(kind: seeds.Kind) -> None:
    first = int(os.environ["NATC_KERNEL_SEED"])
    for verdict in verdicts(Share(kind, range(first, first + COUNT), PACKETS, FLAVOURS)):
        wrong = [*map(str, verdict.refusals), *map(str, verdict.complaints)]
        assert not wrong, (
            f"{verdict.case.name}: {wrong[0]}\n{verdict.case.text}\n"
            f"make it small: python -m tests.kernel_diff.fuzz --what {kind} --count 1"
            f" --packets {PACKETS} --seed {verdict.case.name.split()[-1]}"
        )


@pytest.mark.parametrize("flavour", Flavour, ids=str)
def test_what_once_was_wrong(flavour: Flavour) -> None:
    with Rig([flavour]) as plain, Rig([flavour], listeners=True) as proxying:
        for case in kept.saved():
            verdict = (proxying if case.has_listeners else plain).judge(case)
            assert verdict.probes == 1, f"{case.name} was not tried: {verdict.refusals}"
            assert not verdict.complaints, f"{case.name}: {verdict.complaints[0]}"
