"""natc beside a real libvirt that starts and destroys networks: both sides' rules end right."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from natc.address import Family
from natc.testlab import Flavour
from tests.host import daemons
from tests.host.gateway import FIRST, SECOND, Gateway

pytestmark = pytest.mark.kernel

APPLIES = 20
NOTHING: dict[Family, object] = {Family.IPV4: {}, Family.IPV6: {}}

NETWORK = """\
<network>
  <name>{name}</name>
  <forward mode='nat'/>
  <bridge name='{bridge}' stp='on' delay='0'/>
  <ip address='192.168.{number}.1' netmask='255.255.255.0'/>
</network>
"""
VIRSH = "virsh --quiet --connect qemu:///system"
STARTS = f"""
{VIRSH} net-define {{file}}
{VIRSH} net-start {{name}}
"""
ENDS = f"""
{VIRSH} net-destroy {{name}}
{VIRSH} net-undefine {{name}}
"""


@pytest.fixture
def libvirt(flavour: Flavour, tmp_path: Path) -> Iterator[Gateway]:
    with daemons.libvirt(flavour, tmp_path) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[Flavour, object]:
    """What libvirt makes by itself for the network that is kept."""
    found = {}
    for flavour in Flavour:
        with daemons.libvirt(flavour, tmp_path_factory.mktemp("alone")) as gateway:
            starts, comes, goes = networks(gateway)
            gateway.must(f"set -e; {starts}")
            gateway.must(f"set -e; {comes} {goes}")
            found[flavour] = gateway.foreign()
    return found


def networks(gateway: Gateway) -> tuple[str, str, str]:
    """Return what starts the network that is kept, and what starts and ends another one."""
    kept = gateway.policy("kept.xml", NETWORK.format(name="kept", bridge="virbr7", number=177))
    other = gateway.policy("other.xml", NETWORK.format(name="other", bridge="virbr8", number=178))
    return (
        STARTS.format(file=kept, name="kept"),
        STARTS.format(file=other, name="other"),
        ENDS.format(name="other"),
    )


@pytest.mark.parametrize("place", ["first", "last"])
def test_applies_beside_a_libvirt_that_starts_and_destroys_networks(
    libvirt: Gateway, alone: dict[Flavour, object], place: str
) -> None:
    first, second = libvirt.policy("first.nat", FIRST), libvirt.policy("second.nat", SECOND)
    starts, comes, goes = networks(libvirt)
    libvirt.must(f"set -e; {starts}")
    libvirt.natc(f"apply {first} --place {place}")
    right = daemons.rules(libvirt)
    count = daemons.together(
        libvirt,
        f"""
        for round in $(seq {APPLIES // 2}); do
            natc apply {second} --place {place}
            natc apply {first} --place {place}
        done
        """,
        comes + goes,
    )
    assert count >= 10
    assert daemons.rules(libvirt) == right
    assert libvirt.foreign() == alone[libvirt.flavour]
    assert daemons.fetch(libvirt, 8080) == "inside"

    libvirt.natc("remove")
    assert libvirt.own() == NOTHING
    assert libvirt.foreign() == alone[libvirt.flavour]


@pytest.mark.parametrize("place", ["first", "last"])
def test_a_libvirt_that_starts_after_natc_leaves_its_rules_alone(
    libvirt: Gateway, place: str
) -> None:
    policy = libvirt.policy("first.nat", FIRST)
    libvirt.natc(f"apply {policy} --place {place}")
    right = daemons.rules(libvirt)
    starts, comes, goes = networks(libvirt)
    libvirt.must(f"set -e; {starts} {comes} {goes}")
    assert daemons.rules(libvirt) == right
    theirs = libvirt.foreign()
    libvirt.natc(f"apply {policy} --place {place}")
    assert daemons.rules(libvirt) == right
    stand = [
        "NATC-" in line
        for line in libvirt.must("iptables-save -t nat").splitlines()
        if line.startswith("-A POSTROUTING")
    ]
    assert stand == ([True, False] if place == "first" else [False, True])
    assert libvirt.foreign() == theirs
    assert daemons.fetch(libvirt, 8080) == "inside"
