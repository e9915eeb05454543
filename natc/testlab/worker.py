"""The worker's side of a lab: builds the gateway and does what the parent asks, one by one."""

import os
from contextlib import suppress
from multiprocessing.connection import Connection

from natc.address import Family
from natc.flavours import Flavour
from natc.packet import Packet
from natc.testlab import conntrack, links, netlink, netns, oracle, programs, restore
from natc.testlab.probe import Observation, Prober
from natc.testlab.restore import Completed
from natc.testlab.restorer import Restorer
from natc.testlab.topology import Topology
from natc.testlab.wire import Wire


class Gateway:
    """The machine under test.  Public methods are what a parent may ask for."""

    def __init__(self, topology: Topology, flavour: Flavour) -> None:
        # On one CPU received packets queue in order, see `Ports.fence`.
        os.sched_setaffinity(0, {_this_cpu()})
        os.environ["XTABLES_LOCKFILE"] = f"{netns.PRIVATE}/xtables.lock"
        self._topology = topology
        self._flavour = flavour
        restore.install_programs(flavour)
        self._ports = links.build(topology)
        oracle.install(topology)
        self._restorers = {family: Restorer(flavour, family) for family in Family}
        self._kernel = netlink.connect(conntrack.NETLINK_NETFILTER)
        self._prober = Prober(topology, self._ports, netns.uids())
        self._wire: Wire | None = None  # opened when asked for: it sees, and slows, every packet

    def load(self, text: str, family: Family, whole: bool) -> None:  # noqa: FBT001
        """See `restore.load`."""
        restore.load(self._flavour, family, text, whole=whole)

    def save(self, family: Family) -> str:
        """See `restore.save`."""
        return restore.save(self._flavour, family)

    def run(self, script: str, timeout: float) -> Completed:
        """See `restore.run`; a script that flushes everything takes only its own rules away."""
        completed = restore.run(script, timeout)
        if not oracle.is_installed(self._kernel):
            oracle.install(self._topology)
        return completed

    def ipset(self, name: str, members: tuple[str, ...], kind: str, family: Family) -> None:
        """Create a set with members."""
        version = "inet" if family is Family.IPV4 else "inet6"
        lines = [f"create {name} {kind} family {version}"]
        lines += [f"add {name} {member}" for member in members]
        programs.must(("ipset", "restore"), "\n".join([*lines, ""]))

    def probe(self, packets: tuple[Packet, ...], keep: bool) -> list[Observation]:  # noqa: FBT001
        """Send each packet in turn and say what became of it."""
        return [self._prober.probe(packet, keep=keep) for packet in packets]

    def trial(
        self, texts: tuple[tuple[Family, str], ...], packets: tuple[Packet, ...]
    ) -> list[Observation]:
        """Replace rules, see `Restorer.replace`, and say what then becomes of each packet."""
        for family, text in texts:
            self._restorers[family].replace(text)
        return self.probe(packets, keep=False)

    def exchange(self, packets: tuple[tuple[str, bytes], ...]) -> list[list[tuple[str, bytes]]]:
        """Have interfaces receive raw IP packets in turn and say what left after each."""
        if self._wire is None:
            self._wire = Wire(self._topology, self._ports)
        return [self._wire.exchange(interface, packet) for interface, packet in packets]


def serve(connection: Connection, topology: Topology, flavour: Flavour) -> None:
    """Build a gateway, say None when it stands, and answer requests until the parent leaves.

    A request is a method's name and its arguments; the answer is what it returns or raises.
    """
    try:
        gateway = Gateway(topology, flavour)
    except Exception as error:  # noqa: BLE001 - the parent decides what is a bug
        connection.send(error)
        return
    with suppress(EOFError, ConnectionError):  # the parent has left, perhaps without its answer
        connection.send(None)
        while True:
            method, arguments = connection.recv()
            try:
                answer = getattr(gateway, method)(*arguments)
            except Exception as error:  # noqa: BLE001 - as above
                answer = error
            connection.send(answer)


def _this_cpu() -> int:
    """Return a CPU that this process may use, another one for each lab where there are several."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[os.stat("/proc/self/ns/net").st_ino % len(allowed)]
