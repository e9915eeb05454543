"""What the kernel makes of real rule sets means what they say, by natc's reading of both."""

import pytest

from natc.ir.actions import Unknown
from natc.ir.conditions import Opaque
from natc.ir.policy import Policy
from natc.simulate import Site
from natc.simulate.compare import compare
from natc.source import Source
from natc.targets.iptables.lift import lift
from natc.targets.iptables.model import BUILT_IN
from natc.targets.iptables.read import read
from natc.testlab import Flavour, Lab, LoadError, Topology
from tests.corpus.dumps import CORPUS, Dump, dumps

pytestmark = pytest.mark.skipif(
    not (CORPUS / "INDEX.tsv").exists(),
    reason=f"the collection of rule sets is not at {CORPUS}",
)

MOST_RULES = 300
"""Of a rule set that is compared for all packets here; larger ones take seconds each."""

OPAQUE_TARGETS = frozenset({"ufw-logging-deny", "MASQUERADE"})
"""Jumps to chains that another file has, and a target where the kernel refuses it."""

OPAQUE_MATCHES = frozenset(
    "connlimit hashlimit helper hl icmp icmp6 length limit mac owner physdev pkttype policy recent rpfilter"
    " socket statistic string tcp tcpmss time tos ttl addrtype conntrack connmark sctp udp".split()
)
"""Modules with something that natc keeps as text: types of icmp, flags of tcp, types of addresses,
states of IPsec, and whatever changes from packet to packet."""


def meaning(dump: Dump) -> Policy:
    return lift(dump.name, read(Source(dump.name, dump.text), dump.family))


@pytest.mark.parametrize("dump", [*dumps(noisy=False)], ids=lambda dump: dump.name)
def test_every_rule_is_understood_or_explicitly_opaque(dump: Dump) -> None:
    for rule in meaning(dump).rules:
        if isinstance(rule.action, Unknown):
            assert rule.action.text.split()[0] in OPAQUE_TARGETS
        for box in rule.match.boxes:
            for condition in box.conditions:
                if isinstance(condition, Opaque):
                    module = condition.text.split()[0]
                    assert module in OPAQUE_MATCHES or module.startswith("-"), condition.text
        assert rule.origin.text.strip()


REWRITTEN = frozenset({"wild/diekmann+net-network__config_eduroam_laptop__iptables-save"})
"""iptables saves `-m time` in another form, and natc keeps such a match as text."""


@pytest.mark.kernel
@pytest.mark.parametrize("flavour", Flavour, ids=str)
def test_what_the_kernel_saves_means_what_was_loaded(flavour: Flavour) -> None:
    loaded = 0
    with Lab(Topology(()), flavour) as lab:
        for dump in dumps(noisy=False):
            ours = read(Source(dump.name, dump.text), dump.family)
            mine = lift("mine", ours)
            if len(mine.rules) > MOST_RULES or dump.name in REWRITTEN:
                continue
            lab.load(_empty(), ours.family, whole=True)
            try:
                lab.load(dump.text, ours.family, whole=True)
            except LoadError:
                continue
            loaded += 1
            theirs = lift("theirs", read(Source("saved", lab.save(ours.family)), ours.family))
            assert compare(mine, theirs, ours.family, Site()) == [], dump.name
    assert loaded > 80


def _empty() -> str:
    lines = []
    for table, chains in BUILT_IN.items():
        lines += [f"*{table}", *(f":{chain} ACCEPT [0:0]" for chain in chains), "COMMIT"]
    return "".join(f"{line}\n" for line in lines)
