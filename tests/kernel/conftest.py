"""Labs for kernel tests."""

from collections.abc import Iterator

import pytest

from natc.address import Family
from natc.testlab import Flavour, Lab, Topology
from tests.kernel.site import Site, topology


@pytest.fixture(params=Flavour, ids=str)
def flavour(request: pytest.FixtureRequest) -> Flavour:
    """Each flavour of iptables in turn."""
    chosen: Flavour = request.param
    return chosen


@pytest.fixture(params=Family, ids=str)
def family(request: pytest.FixtureRequest) -> Family:
    """Each family in turn."""
    chosen: Family = request.param
    return chosen


@pytest.fixture
def gateway() -> Topology:
    """Return what `site` is built from; modules may have their own."""
    return topology(has_bridge=False)


@pytest.fixture
def site(flavour: Flavour, family: Family, gateway: Topology) -> Iterator[Site]:
    """Return the small gateway of `tests.kernel.site`."""
    with Lab(gateway, flavour) as lab:
        yield Site(lab, family, flavour)
