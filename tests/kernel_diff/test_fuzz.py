"""Random rule sets that no policy stands behind: the kernel does what natc's model says.

`NATC_KERNEL_EXAMPLES` sets how many; each run begins with a fresh seed and says which, or with
`NATC_KERNEL_SEED`.
"""

import os

import pytest

from natc.testlab import Flavour, Lab
from tests.kernel_diff import bench
from tests.kernel_diff.fuzz import Case, complaints, saved

pytestmark = pytest.mark.kernel

COUNT = 2 * int(os.environ.get("NATC_KERNEL_EXAMPLES", "40"))
PACKETS = 30


@pytest.mark.parametrize("flavour", Flavour, ids=str)
def test_the_kernel_does_what_the_model_says_of_any_rules(flavour: Flavour) -> None:
    first = int(os.environ["NATC_KERNEL_SEED"])
    with Lab(bench.topology(), flavour) as lab:
        for seed in range(first, first + COUNT):
            case = Case(seed, PACKETS)
            for packet, wrong in complaints(lab, case.text, case.family, case.packets):
                pytest.fail(
                    f"seed {seed}: {packet}: {wrong}\n{case.text}\n"
                    f"make it small: python -m tests.kernel_diff.fuzz --seed {seed} --count 1"
                )


@pytest.mark.parametrize("flavour", Flavour, ids=str)
def test_what_the_model_once_said_wrongly(flavour: Flavour) -> None:
    with Lab(bench.topology(), flavour) as lab:
        for path, text, packet in saved():
            found = list(complaints(lab, text, packet.family, [packet]))
            assert not found, f"{path.name}: {found}"
