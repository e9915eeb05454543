"""natc beside a real Docker that adds and removes containers: both sides' rules end right."""

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

RUN = "docker run --detach --name {name} --publish {port}:80 web busybox httpd -f -p 80 -h /www"
KEPT = RUN.format(name="kept", port=9000)
COMES_AND_GOES = f"""
{RUN.format(name="other", port=9001)}
docker network create passing
docker rm --force other
docker network rm passing
"""


@pytest.fixture
def docker(flavour: Flavour, tmp_path: Path) -> Iterator[Gateway]:
    with daemons.docker(flavour, tmp_path) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[Flavour, object]:
    """What Docker makes by itself for the container that is kept."""
    found = {}
    for flavour in Flavour:
        with daemons.docker(flavour, tmp_path_factory.mktemp("alone")) as gateway:
            gateway.must(KEPT)
            gateway.must(COMES_AND_GOES)
            found[flavour] = gateway.foreign()
    return found


def jumps(gateway: Gateway) -> list[bool]:
    """Return of each rule in PREROUTING and POSTROUTING whether it is natc's."""
    lines = gateway.must("iptables-save -t nat").splitlines()
    built_in = ("-A PREROUTING", "-A POSTROUTING")
    return ["NATC-" in line for start in built_in for line in lines if line.startswith(start)]


@pytest.mark.parametrize("place", ["first", "last"])
def test_applies_beside_a_docker_that_adds_and_removes_containers(
    docker: Gateway, alone: dict[Flavour, object], place: str
) -> None:
    first, second = docker.policy("first.nat", FIRST), docker.policy("second.nat", SECOND)
    docker.must(KEPT)
    docker.natc(f"apply {first} --place {place}")
    right = daemons.rules(docker)
    count = daemons.together(
        docker,
        f"""
        for round in $(seq {APPLIES // 2}); do
            natc apply {second} --place {place}
            natc apply {first} --place {place}
        done
        """,
        COMES_AND_GOES,
    )
    assert count >= 10
    assert daemons.rules(docker) == right
    assert docker.foreign() == alone[docker.flavour]
    docker.natc(f"apply {first} --place {place}")
    stand = jumps(docker)
    assert stand.count(True) == 2
    assert stand[0] is (place == "first")
    assert docker.foreign() == alone[docker.flavour]

    assert daemons.fetch(docker, 9000) == "container"
    assert daemons.fetch(docker, 8080) == "inside"

    docker.natc("remove")
    assert docker.own() == NOTHING
    assert docker.foreign() == alone[docker.flavour]
    assert daemons.fetch(docker, 9000) == "container"


def test_an_apply_comes_first_again_after_docker_has_put_its_rules_above(docker: Gateway) -> None:
    policy = docker.policy("first.nat", FIRST)
    docker.natc(f"apply {policy}")
    docker.must("docker network create later")
    theirs = docker.foreign()
    assert jumps(docker) == [True, False, False, True, False]
    assert "in place already" not in docker.natc(f"apply {policy}")
    assert jumps(docker) == [True, False, True, False, False]
    assert docker.foreign() == theirs


def test_a_docker_that_starts_after_natc_leaves_its_rules_alone(docker: Gateway) -> None:
    policy = docker.policy("first.nat", FIRST)
    docker.must(KEPT)
    docker.natc(f"apply {policy}")
    right, theirs = daemons.rules(docker), docker.foreign()
    docker.must("""
        docker kill kept
        kill "$(cat /run/docker.pid)"
        while [ -e /run/docker.pid ]; do sleep 0.05; done
    """)
    docker.must(daemons.DOCKERD)
    docker.must("docker start kept")
    assert docker.foreign() == theirs
    assert daemons.rules(docker) == right
    docker.natc(f"apply {policy}")
    assert daemons.rules(docker) == right
    assert daemons.fetch(docker, 9000) == "container"
    assert daemons.fetch(docker, 8080) == "inside"
