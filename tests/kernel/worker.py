"""Runs a piece of a test inside a namespace, below the level of `Lab`."""

from collections.abc import Callable
from typing import TypeVar

from natc.testlab import Topology, links, netns, oracle
from natc.testlab.links import Ports

T = TypeVar("T")


def inside(topology: Topology, task: Callable[[Ports], T], *, with_oracle: bool = True) -> T:
    """Build `topology` in a namespace and return what `task` returns there."""

    def build() -> T:
        ports = links.build(topology)
        if with_oracle:
            oracle.install(topology)
        return task(ports)

    worker = netns.start(lambda parent: parent.send(build()))
    try:
        worker.connection.recv()
        result: T = worker.connection.recv()
        return result
    finally:
        worker.stop()
