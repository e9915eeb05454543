"""natc's part of rules, as text."""

from natc.targets.iptables.model import Place
from natc.targets.iptables.own import Part, spliced


def test_tables_that_were_not_there_come_in_the_order_of_packets() -> None:
    parts = {"nat": Part({"NATC-IN": ()}), "mangle": Part({"NATC-DIVERT": ()})}
    lines = spliced("", parts, Place.FIRST).splitlines()
    assert [line for line in lines if line.startswith("*")] == ["*mangle", "*nat"]
