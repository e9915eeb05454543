"""Values that no address, port, set or name can have: each is an error at its own place."""

from pathlib import Path

import pytest

from natc import pipeline
from natc.diagnostics import Diagnostic, PolicyError
from natc.source import Source
from tests.cli.program import natc

ZONES = """\
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
masquerade from lan out wan
"""


def problems(rule: str) -> tuple[Diagnostic, ...]:
    """Return what is wrong with one statement beside two valid zones."""

    def read(name: str) -> str:
        raise FileNotFoundError(2, name)

    try:
        meaning = pipeline.understand(Source("p.nat", f"{ZONES}{rule}\n"), read)
        pipeline.rulesets(meaning)
    except PolicyError as error:
        return error.diagnostics
    return ()


# The place is marked by the brackets «», which are not part of the statement.
VALUES = [
    ("port 0", "dnat tcp/«0» in eth0 -> 10.0.0.1", "NAT206"),
    ("port 65536", "dnat tcp/«65536» in eth0 -> 10.0.0.1", "NAT206"),
    ("range to 65536", "dnat tcp/1-«65536» in eth0 -> 10.0.0.1", "NAT206"),
    ("range from 0", "dnat tcp/«0»-9 in eth0 -> 10.0.0.1", "NAT206"),
    ("target port 0", "dnat tcp/80 in eth0 -> 10.0.0.1:«0»", "NAT206"),
    ("target port 65536", "dnat tcp/80 in eth0 -> 10.0.0.1:«65536»", "NAT206"),
    ("port 0 in a list", "dnat tcp/{80,«0»} in eth0 -> 10.0.0.1", "NAT206"),
    ("source port 0", "dnat tcp sport «0» in eth0 -> 10.0.0.1", "NAT206"),
    ("masquerade port 0", "masquerade tcp out eth0 ports «0»-100", "NAT206"),
    ("redirect port 0", "transparent-proxy tcp/80 in eth0 -> :«0»", "NAT206"),
    ("reversed ports", "dnat tcp/«90-80» in eth0 -> 10.0.0.1", "NAT206"),
    ("reversed target ports", "snat tcp out eth0 -> 10.0.0.1:«90-80»", "NAT206"),
    ("unicode digits in a port", "dnat tcp/«８０» in eth0 -> 10.0.0.1", "NAT"),
    ("unicode digits in a range", "masquerade tcp out eth0 ports «١-٩»", "NAT"),
    ("IPv6 end like a port", "dnat ipv6 tcp in eth0 -> «fd00::1:8080»", "NAT206"),
    ("octet over 255", "masquerade from «300.1.1.1» out eth0", "NAT206"),
    ("five octets", "masquerade from «1.2.3.4.5» out eth0", "NAT206"),
    ("three octets", "masquerade from «1.2.3» out eth0", "NAT206"),
    ("octal octet", "masquerade from «010.0.0.1» out eth0", "NAT206"),
    ("unicode octets", "masquerade from «１０.0.0.1» out eth0", "NAT"),
    ("prefix 33", "masquerade from 10.0.0.0/«33» out eth0", "NAT206"),
    ("prefix 129", "masquerade from fd00::/«129» out eth0", "NAT206"),
    ("a mask", "masquerade from 10.0.0.0/«255.0.0.0» out eth0", "NAT206"),
    ("host bits", "masquerade from «10.0.0.1/24» out eth0", "NAT009"),
    ("host bits in IPv6", "masquerade from «fd00::1/64» out eth0", "NAT009"),
    ("reversed addresses", "masquerade from «10.0.0.9-10.0.0.1» out eth0", "NAT206"),
    ("reversed IPv6 addresses", "masquerade from «fd00::9-fd00::1» out eth0", "NAT206"),
    ("a range over two families", "masquerade from [«10.0.0.1-fd00::1»] out eth0", "NAT008"),
    ("no IPv6 address", "masquerade from «fd00:::1» out eth0", "NAT206"),
    ("an empty set", "masquerade from «10.0.0.1 except 10.0.0.0/8» out eth0", "NAT005"),
    ("an empty set of all", "masquerade from «not 0.0.0.0/0» to 10.0.0.1 out eth0", "NAT008"),
    ("an empty set of ports", "dnat «tcp/80 except tcp/1-100» in eth0 -> 10.0.0.1", "NAT005"),
    ("an empty set of interfaces", "masquerade out «eth0 except eth+»", "NAT005"),
    ("an empty set of users", "dnat tcp/80 user «{ 1, 2 } except 0-9» -> 10.0.0.1", "NAT005"),
    ("braces without anything", "masquerade from {«}» out eth0", "NAT000"),
    ("IPv4 in a rule for IPv6", "masquerade ipv6 from «10.0.0.0/8» out eth0", "NAT008"),
    ("IPv6 in a rule for IPv4", "masquerade ipv4 from «fd00::/8» out eth0", "NAT008"),
    ("two families", "dnat tcp/80 to fd00::1 in eth0 -> «10.0.0.1»", "NAT008"),
    ("multicast target", "dnat udp/80 in eth0 -> «224.0.0.1»", "NAT206"),
    ("no address as a target", "dnat udp/80 in eth0 -> «0.0.0.0»", "NAT206"),
    ("broadcast source", "snat out eth0 -> «255.255.255.255»", "NAT206"),
    ("a long interface", "masquerade out «eth0123456789abc»", "NAT204"),
    ("a plus inside", "masquerade out «et+h0»", "NAT204"),
    ("a slash in an interface", 'masquerade out «"eth/0"»', "NAT204"),
    ("a blank in an interface", 'masquerade out «"eth 0"»', "NAT204"),
    ("an empty interface", 'masquerade out «""»', "NAT204"),
    ("a mark of 33 bits", "masquerade mark «0x100000000» out eth0", "NAT206"),
    ("a mark outside its mask", "masquerade mark «0x3/0x1» out eth0", "NAT206"),
    ("an octal mark", "masquerade mark «010» out eth0", "NAT206"),
    ("a uid of 32 bits", "dnat tcp/80 user «4294967295» -> 10.0.0.1", "NAT206"),
    ("a login with a blank", 'dnat tcp/80 user «"a b"» -> 10.0.0.1', "NAT204"),
    ("an ipset with a blank", 'masquerade set «"a b"» out eth0', "NAT204"),
    ("a long ipset", "masquerade set «abcdefghijklmnopqrstuvwxyz012345» out eth0", "NAT204"),
    ("seven dimensions", "masquerade «set a src src src src src src src» out eth0", "NAT206"),
    ("weight 0", "balance tcp/80 in eth0 -> { 10.0.0.1 weight «0» }", "NAT206"),
    ("no time", "balance tcp/80 in eth0 -> { 10.0.0.1 } sticky for «0s»", "NAT206"),
    ("a year", "balance tcp/80 in eth0 -> { 10.0.0.1 } sticky for «365d»", "NAT206"),
    ("no day", 'allow NAT403 until «2027-02-29» because "x"', "NAT206"),
    ("no date", 'allow NAT403 until «2027-2»-9 because "x"', "NAT000"),
    ("protocol 256", "masquerade «256» out eth0", "NAT"),
    ("no protocol", "dnat «tpc»/80 in eth0 -> 10.0.0.1", "NAT206"),
    ("ports of icmp", "dnat «icmp»/80 in eth0 -> 10.0.0.1", "NAT203"),
    ("too many own addresses", "zone big { interface eth3; address «10.0.0.0/8» }", "NAT206"),
    (
        "too many own addresses in parts",
        "zone big { interface eth3; address «{ 10.0.0.0/24, 10.0.1.0/24 }» }",
        "NAT206",
    ),
]


@pytest.mark.parametrize(
    ("marked", "code"),
    [pytest.param(marked, code, id=name) for name, marked, code in VALUES],
)
def test_a_bad_value_is_one_error_at_its_place(marked: str, code: str) -> None:
    rule = marked.replace("«", "").replace("»", "")
    start = len(ZONES) + marked.index("«")
    end = len(ZONES) + marked.index("»") - 1
    found = problems(rule)
    assert [d.code[: len(code)] for d in found] == [code], found
    assert (found[0].primary.span.start, found[0].primary.span.end) == (start, end), found[
        0
    ].primary.span.text


KEYWORDS = [
    "from",
    "to",
    "in",
    "tcp",
    "local",
    "dynamic",
    "exempt",
    "network",
    "ipv4",
    "src",
    "not",
]


@pytest.mark.parametrize("word", KEYWORDS)
@pytest.mark.parametrize(
    "form",
    [
        "address «{}» = 10.0.0.1",
        "service «{}» = tcp/80",
        "zone «{}» {{ interface eth5 }}",
        "network «{}» {{ bridge br5; subnet 10.5.0.0/24; forward nat }}",
        "masquerade out eth0 as «{}»",
    ],
)
def test_a_word_of_the_language_is_no_name(word: str, form: str) -> None:
    marked = form.format(word)
    found = problems(marked.replace("«", "").replace("»", ""))
    assert len(found) == 1
    assert found[0].primary.span.start == len(ZONES) + marked.index("«")
    assert found[0].code in ("NAT018", "NAT000")


def test_a_value_is_shown_as_written() -> None:
    (found,) = problems("masquerade from 300.001.1.1 out eth0")
    assert "300.001.1.1" in found.message


def test_the_place_counts_characters_not_bytes(tmp_path: Path) -> None:
    (tmp_path / "p.nat").write_text(
        'test "ü☃" { tcp 1.1.1.1:0 > 2.2.2.2:2 in eth0; expect dropped }\n', encoding="utf-8"
    )
    done = natc("compile", "--format", "concise", "p.nat", cwd=tmp_path)
    assert done.stderr.decode().startswith("p.nat:1:25: error[NAT206]: port `0`")
