"""Rules as python-iptables builds them, byte for byte beside those of iptables-restore."""

import importlib.util
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from natc.address import Family
from natc.flavours import PROGRAMS
from natc.targets.iptables.libiptc import Answer, answer
from natc.testlab import Flavour, Lab
from tests.host.gateway import Gateway
from tests.kernel.site import topology

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(
        importlib.util.find_spec("iptc") is None,
        reason="python-iptables is not installed: `make setup` says what it needs",
    ),
]


JUMP = "-m comment --comment natc -j NATC-PRE"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with Lab(topology(has_bridge=False), Flavour.LEGACY) as lab:
        yield Gateway(lab, Flavour.LEGACY, tmp_path)


# What python-iptables gets wrong, and what of it can be set right.


def nat(*rules: str) -> str:
    """Return a text with rules of NATC-PRE."""
    return "\n".join(["*nat", ":NATC-PRE - [0:0]", *rules, "COMMIT", ""])


def check(gateway: Gateway, text: str, family: Family, patch: str = "") -> Answer:
    """Let iptables-restore load a text, and python-iptables build the same rules."""
    path, program = gateway.folder / "text", gateway.folder / "check.py"
    path.write_text(text)
    program.write_text(
        f"import sys, iptc\nfrom natc.targets.iptables import libiptc, libiptc_rule\n{textwrap.dedent(patch)}\n"
        f"sys.exit(libiptc.main(['check', '{family.value}']))\n"
    )
    done = gateway.run(
        f"{PROGRAMS[family]}-restore {path} || exit 9; {sys.executable} {program} <{path}"
    )
    assert done.status != 9, done.output
    found = answer(done.output)
    assert found is not None, done.output
    return found


RULES = [
    '! -s 10.0.0.0/8 ! -d 10.0.0.1 ! -i eth0 ! -p tcp -m comment --comment "a \\"b\\" \\\\" -j RETURN',
    '-m comment --comment "!negated?" -j RETURN',
    '-m comment --comment "--dport 80" -j RETURN',
    "-m comment --comment \"grün ☃ 'x'\" -j NATC-PRE-1",
    f"-m comment --comment {'x' * 255} -g NATC-PRE-1",
    "-s 10.1.0.0/255.255.0.255 -j RETURN",
    "-m iprange ! --src-range 10.0.0.3-10.0.0.7 -m iprange --dst-range 10.0.0.3-10.0.0.9 -j RETURN",
    "-m iprange ! --src-range 10.0.0.3-10.0.0.7 -m iprange ! --src-range 10.0.1.3-10.0.1.7 -j RETURN",
    "-p tcp -m multiport --dports 1,2,3:5,80,443 -j RETURN",
    "-p udplite -m multiport ! --sports 1,2,3:5,80,443 -j RETURN",
    "-p sctp -m sctp --dport 80:90 -j DNAT --to-destination 10.0.0.1-10.0.0.9:100-200 --random --persistent",
    "-p dccp -m dccp ! --sport 80 -j RETURN",
    "-p 47 -j RETURN",
    "-p esp -j RETURN",
    "! -p 250 -j RETURN",
    "-p tcp -m tcp --dport 8000:8010 -j DNAT --to-destination 10.0.0.1:9000-9010/8000",
    "-p udp -m udp ! --sport 3:6 ! --dport 53 -j REDIRECT --to-ports 53-55 --random",
    "-d 10.1.0.0/16 -j NETMAP --to 10.2.0.0/16",
    "-m set --match-set names src -m set ! --match-set pairs src,dst -j RETURN",
    "-m mark --mark 0x10/0xf0 -m mark ! --mark 0x1 -j RETURN",
    "-p tcp -m recent --name natc4-a --update --seconds 60 --rsource -j DNAT --to-destination 10.0.0.3",
    "-m statistic --mode random --probability 0.33333333349 -m recent --name natc4-a --set --rsource -j RETURN",
    "-m addrtype --dst-type LOCAL -m addrtype ! --src-type LOCAL -j RETURN",
    "-i + -j RETURN",
    "-i ppp+ -j RETURN",
    "! -i ethernet+ -j RETURN",
    "-i abcdefghijklmno -j RETURN",
]
RULES_OUT = [
    "-m owner --uid-owner 1000-1010 -j RETURN",
    "-m owner --uid-owner nobody -j RETURN",
    "-m owner ! --uid-owner 0 -m owner --socket-exists -j RETURN",
    "-o eth1 -j RETURN",
    "! -o ppp+ -j RETURN",
]
RULES_POST = [
    "-p tcp -m conntrack --ctorigdst 10.9.0.0/24 --ctorigdstport 8888:8890 --ctstate DNAT -j SNAT --to-source 10.0.0.3-10.0.0.9:1024-65535 --random-fully --persistent",
    "-m conntrack ! --ctorigdst 10.9.0.1 ! --ctorigdstport 8888 ! --ctstate DNAT -j MASQUERADE",
    "-o ppp+ -p tcp -j MASQUERADE --to-ports 1024-2000 --random-fully",
    "-j SNAT --to-source 10.0.0.3",
]
RULES_DIVERT = [
    "-p tcp -m tcp --dport 80 -j TPROXY --on-port 3129 --on-ip 10.0.0.9 --tproxy-mark 0x1/0x1",
    "-p udp -m udp --dport 80 -j TPROXY --on-port 3129 --tproxy-mark 0x1/0xff",
    "-p tcp -m socket --transparent -j ACCEPT",
]


def everything(family: Family) -> str:
    """Return rules with each match and target of natc's in many forms."""
    lines = ["*mangle", ":NATC-DIVERT - [0:0]"]
    lines += [f"-A NATC-DIVERT {rule}" for rule in RULES_DIVERT]
    lines += ["COMMIT", "*nat"]
    lines += [f":NATC-{name} - [0:0]" for name in ("PRE", "PRE-1", "OUT", "POST")]
    lines += [f"-I PREROUTING 1 {JUMP}"]
    lines += [f"-A NATC-PRE {rule}" for rule in RULES]
    lines += [f"-A NATC-OUT {rule}" for rule in RULES_OUT]
    lines += [f"-A NATC-POST {rule}" for rule in RULES_POST]
    text = "\n".join([*lines, "COMMIT", ""])
    if family is Family.IPV4:
        return text
    text = text.replace("10.2.0.0/16", "fd00:2::/64").replace("10.1.0.0/16", "fd00:1::/64")
    text = text.replace("10.9.0.0/24", "fd00:9::/64")
    text = text.replace("10.1.0.0/255.255.0.255", "fd00::1:0/ffff::ff:0")
    text = re.sub(r"10\.([0-9]+)\.([0-9]+)\.([0-9]+)", r"fd\1:\2::\3", text)
    text = re.sub(r"(?<=::0)/(\d+)\b", r"/6\1", text)
    return re.sub(r"(--to-[sd]\S+ )(\S+):(\d+-\d+\S*)", r"\1[\2]:\3", text)


@pytest.mark.parametrize("family", Family, ids=str)
def test_whatever_natc_writes_is_built_byte_for_byte_as_iptables_restore_builds_it(
    gateway: Gateway, family: Family
) -> None:
    inet = "inet6" if family is Family.IPV6 else "inet"
    gateway.must(f"ipset create names hash:net family {inet}; "
                 f"ipset create pairs hash:net,iface family {inet}")  # fmt: skip
    assert check(gateway, everything(family), family) == Answer()


@pytest.mark.parametrize(
    ("rule", "patch"),
    [
        ("-i eth1 -j RETURN", "libiptc_rule.setattr = lambda object, name, value: setattr(object, name, value) if 'mask' not in name else None"),
        ("! -p tcp -j RETURN", "iptc.ip6tc.ip6t_ip6.IP6T_F_PROTO = 0"),
    ],
    ids=["interface", "negated protocol"],
)  # fmt: skip
def test_what_ip6tables_save_prints_alike_is_told_apart(
    gateway: Gateway, rule: str, patch: str
) -> None:
    text = nat(f"-A NATC-PRE {rule}")
    found = check(gateway, text, Family.IPV6, patch)
    assert found.kind == "refused"
    assert found.line == 3
    assert check(gateway, text, Family.IPV6) == Answer()


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("-p tcp -m tcp ! --syn -j RETURN", None),
        ('-m comment --comment "!" -j RETURN', "python-iptables takes the value `!` for a negation"),
        ("-s 10.0.0.0/8", "a rule without a target"),
        ("-m hashlimit --hashlimit-upto 5/sec --hashlimit-mode srcip --hashlimit-name h -j RETURN",
         "python-iptables makes another rule of it than iptables-restore"),
        ("-f -j RETURN", "natc writes no -f"),
    ],
)  # fmt: skip
def test_a_rule_that_it_cannot_say_is_refused(
    gateway: Gateway, rule: str, message: str | None
) -> None:
    found = check(gateway, nat("-A NATC-PRE -j RETURN", f"-A NATC-PRE {rule}"), Family.IPV4)
    if message is None:
        assert found.kind in (None, "refused")
    else:
        assert (found.kind, found.line) == ("refused", 4)
        assert message in found.message


def test_an_answer_is_the_last_line_of_the_output() -> None:
    assert answer('noise\n["failed", "why", 3]\n') == Answer("failed", "why", 3)
    assert answer("noise") is None
    assert answer("") is None
