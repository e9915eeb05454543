"""Gateways for the tests of what natc does to a running one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from natc.testlab import Flavour, Lab
from tests.host.gateway import Gateway
from tests.kernel.site import topology


@pytest.fixture(params=Flavour, ids=str)
def flavour(request: pytest.FixtureRequest) -> Flavour:
    """Each flavour of iptables in turn."""
    chosen: Flavour = request.param
    return chosen


@pytest.fixture
def gateway(flavour: Flavour, tmp_path: Path) -> Iterator[Gateway]:
    """Return a gateway with wan, lan and guest interfaces, and no rules."""
    with Lab(topology(has_bridge=False), flavour) as lab:
        yield Gateway(lab, flavour, tmp_path)
