"""What natc writes is to the kernel what it read: both load, and are saved as the same."""

import re
from pathlib import Path

import pytest

from natc.address import Family
from natc.source import Source
from natc.targets.iptables.model import BUILT_IN
from natc.targets.iptables.read import read
from natc.targets.iptables.write import Form, write
from natc.testlab import Flavour, Lab, Topology
from tests.corpus.dumps import CORPUS, dumps

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(
        not (CORPUS / "INDEX.tsv").exists(),
        reason=f"the collection of rule sets is not at {CORPUS}",
    ),
]

EMPTY = "\n".join(
    line
    for table, chains in BUILT_IN.items()
    for line in (f"*{table}", *(f":{chain} ACCEPT [0:0]" for chain in chains), "COMMIT", "")
)

MOST = 100
"""So many of the collection load into any kernel; others lack sets, host names or chains."""


def saved(lab: Lab, family: Family, path: Path) -> list[str] | None:
    """Return what the kernel holds after loading a file, None where it refuses it."""
    program = "iptables" if family is Family.IPV4 else "ip6tables"
    done = lab.run(
        f"""
        {program}-restore < '{path.with_name("empty")}' || exit 8
        {program}-restore < '{path}' >/dev/null 2>&1 || exit 9
        {program}-save
        """
    )
    if done.status == 9:
        return None
    assert done.status == 0, done.output
    lines = [line for line in done.output.splitlines() if not line.startswith("#")]
    return [re.sub(r"\[\d+:\d+\]", "", line) for line in lines]


@pytest.mark.parametrize("flavour", Flavour, ids=str)
def test_the_kernel_takes_what_natc_writes_for_what_it_read(
    flavour: Flavour, tmp_path: Path
) -> None:
    loaded = 0
    (tmp_path / "empty").write_text(EMPTY, encoding="utf-8")
    with Lab(Topology(()), flavour) as lab:
        for dump in dumps(noisy=False):
            ruleset = read(Source(dump.name, dump.text))
            original, written = tmp_path / "original", tmp_path / "written"
            original.write_text(dump.text, encoding="utf-8")
            written.write_text(write(ruleset, Form.SAVE), encoding="utf-8")
            before = saved(lab, ruleset.family, original)
            if before is not None:
                loaded += 1
                assert saved(lab, ruleset.family, written) == before, dump.name
    assert loaded >= MOST
