"""Rules that are replaced by restore programs that stay open."""

from collections.abc import Iterator

import pytest

from natc.address import Family
from natc.packet import Packet
from natc.testlab import Flavour, Lab, LoadError
from tests.kernel_diff import bench
from tests.strategies.universe import number

pytestmark = pytest.mark.kernel

PACKET = Packet(Family.IPV4, 17, number("192.168.3.2"), 5, number("198.51.100.2"), 53, "eth1")


@pytest.fixture(scope="module", params=Flavour, ids=str)
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with Lab(bench.topology(), request.param) as made:
        yield made


def text_of(*rules: str) -> str:
    chains = ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING")
    lines = ("*nat", *(f":{chain} ACCEPT [0:0]" for chain in chains), *rules, "COMMIT")
    return "".join(f"{line}\n" for line in lines)


def source(lab: Lab, *rules: str) -> int:
    lab.begin({Family.IPV4: text_of(*rules)}, [PACKET])
    (seen,) = lab.outcome()
    return seen.source


def snat(address: str) -> str:
    return f"-A POSTROUTING -j SNAT --to-source {address}"


def test_each_text_replaces_the_one_before(lab: Lab) -> None:
    for address in ("203.0.113.2", "203.0.113.3"):
        assert source(lab, snat(address)) == number(address)
    assert source(lab) == PACKET.source


def test_a_refused_text_is_named_by_its_own_lines_and_the_next_one_loads(lab: Lab) -> None:
    source(lab, snat("203.0.113.2"))
    lab.begin({Family.IPV4: text_of("-A POSTROUTING --nonsense")}, [PACKET])
    with pytest.raises(LoadError) as refusal:
        lab.outcome()
    assert refusal.value.line == 6
    assert source(lab, snat("203.0.113.3")) == number("203.0.113.3")


def test_a_text_longer_than_any_buffer_is_taken(lab: Lab) -> None:
    rules = (f"-A POSTROUTING -s 198.18.{i // 256}.{i % 256} -j ACCEPT" for i in range(8000))
    assert source(lab, *rules, snat("203.0.113.4")) == number("203.0.113.4")
    assert source(lab) == PACKET.source


def test_a_text_that_leaves_a_table_open_is_refused_before_it_is_sent(lab: Lab) -> None:
    lab.begin({Family.IPV4: "*nat\n"}, [])
    with pytest.raises(ValueError, match="COMMIT"):
        lab.outcome()
    assert source(lab, snat("203.0.113.5")) == number("203.0.113.5")
