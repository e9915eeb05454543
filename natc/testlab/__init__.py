"""A real kernel in throw-away namespaces: rules are loaded, packets sent, and the verdicts read.

    plan      a policy's facts → the gateway to build (`topology`: its values)
    lab       the gateway as a context: load, run, save, probe; `netns` and `worker` are behind it,
              with `restore` for one text and `restorer` for thousands
    probe     one packet → what the kernel did, with `frames`, `links`, `steering`, `listeners`,
              and `oracle`, the table that writes a packet's end on its connection (`conntrack`)
    compare   what a test expects × what the kernel did → None, or the difference
    run       all of a policy's tests

Knows the IR, neither the language nor any target.  Nothing else in natc makes namespaces.
"""

from natc.flavours import Flavour
from natc.testlab.compare import check
from natc.testlab.errors import LabError, LabUnavailable, LoadError, Untestable
from natc.testlab.lab import Lab
from natc.testlab.plan import plan
from natc.testlab.probe import Observation
from natc.testlab.restore import Completed
from natc.testlab.run import TestResult, run_tests
from natc.testlab.topology import Address, Interface, Listener, Route, Topology

__all__ = [
    "Address",
    "Completed",
    "Flavour",
    "Interface",
    "Lab",
    "LabError",
    "LabUnavailable",
    "Listener",
    "LoadError",
    "Observation",
    "Route",
    "TestResult",
    "Topology",
    "Untestable",
    "check",
    "plan",
    "run_tests",
]
