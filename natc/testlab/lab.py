"""A real kernel to load rules into and to send packets through, gone without a trace afterwards."""

from collections.abc import Iterable, Mapping
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from natc.address import Family
from natc.flavours import Flavour
from natc.packet import Packet
from natc.testlab import netns, programs, worker
from natc.testlab.errors import LabError, Untestable
from natc.testlab.probe import Observation, obstacle
from natc.testlab.restore import Completed
from natc.testlab.topology import Topology


class Lab:
    """A gateway in namespaces of its own, as a context: it exists between `enter` and `exit`.

    As root it can take any uid; without root, in a user namespace, only one.  A lab belongs to
    the thread that entered it.

    Raises:
        LabUnavailable: on entry, with the reason.
        LabError: by any method, when the lab itself fails.
    """

    def __init__(self, topology: Topology, flavour: Flavour = Flavour.NFT) -> None:
        self._topology = topology
        self._flavour = flavour
        self._worker: netns.Worker | None = None
        self._uids: tuple[tuple[int, int], ...] = ()

    def __enter__(self) -> Self:
        for program in ("ip", "nft", f"iptables-{self._flavour}-restore"):
            programs.find(program)
        topology, flavour = self._topology, self._flavour
        self._worker = netns.start(lambda parent: worker.serve(parent, topology, flavour))
        try:
            self._uids = self._answer()
            self._answer()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    @property
    def topology(self) -> Topology:
        """What it was built from."""
        return self._topology

    @property
    def has_all_users(self) -> bool:
        """Whether rules and packets may name any uid."""
        return any(last - first > 1 << 31 for first, last in self._uids)

    def load(self, text: str, family: Family, *, whole: bool = False) -> None:
        """Run `iptables-restore --noflush` of the flavour on `text`.

        Args:
            whole: without `--noflush`: tables that `text` names hold nothing else afterwards.

        Raises:
            LoadError: refused, by the program or the kernel.
        """
        self._ask("load", text, family, whole)

    def save(self, family: Family) -> str:
        """Return all tables as `iptables-save` prints them."""
        answer: str = self._ask("save", family)
        return answer

    def run(self, script: str, timeout: float = 60) -> Completed:
        """Run a POSIX shell script on the gateway, as root there.

        `iptables`, `ip6tables` and their `-save` and `-restore` are those of the flavour; /run is
        the lab's own, the rest of the file system is the host's.

        Args:
            timeout: seconds.
        """
        answer: Completed = self._ask("run", script, timeout)
        return answer

    def ipset(
        self,
        name: str,
        members: Iterable[str] = (),
        kind: str = "hash:net",
        family: Family = Family.IPV4,
    ) -> None:
        """Create an ipset.  The lab needs the `ipset` program for this only."""
        programs.find("ipset")
        self._ask("ipset", name, tuple(members), kind, family)

    def obstacle(self, packet: Packet) -> str | None:
        """Say why this lab cannot make `packet`, None when it can."""
        return obstacle(packet, self._topology, self._uids)

    def probe(self, packets: Iterable[Packet], *, keep: bool = False) -> list[Observation]:
        """Send each packet as the first of a connection and say what the kernel made of it.

        Args:
            keep: leave each connection in place so that the later ones meet it.  Then no packet
                may come twice: the second would not be a connection's first.

        Raises:
            Untestable: the lab cannot make one of the packets; none was sent.
        """
        answer: list[Observation] = self._ask("probe", self._made(packets), keep)
        return answer

    def begin(self, texts: Mapping[Family, str], packets: Iterable[Packet]) -> None:
        """Have rules replaced and packets sent, as `load` and `probe` do, without waiting for it.

        Many times faster than those, for many rule sets: the restore programs stay open.  Nothing
        else may be asked of the lab before `outcome`.

        Args:
            texts: of whole tables; those that they do not name stay as they are.

        Raises:
            Untestable: the lab cannot make one of the packets; nothing has begun.
        """
        self._send("trial", tuple(texts.items()), self._made(packets))

    def outcome(self) -> list[Observation]:
        """Wait for what was begun, and say what the kernel made of each packet.

        Raises:
            LoadError: the rules were refused, and no packet was sent.
        """
        answer: list[Observation] = self._answer()
        return answer

    def exchange(self, packets: Iterable[tuple[str, bytes]]) -> list[list[tuple[str, bytes]]]:
        """Have interfaces receive raw IP packets in turn; return what left after each, and where.

        Unlike `probe` it takes anything: later packets of a connection, answers, broken ones.
        What they begin stays in place.  A bridge's packets are seen at its port.
        """
        answer: list[list[tuple[str, bytes]]] = self._ask("exchange", tuple(packets))
        return answer

    def _made(self, packets: Iterable[Packet]) -> tuple[Packet, ...]:
        """Return the packets if the lab can make all of them."""
        probes = tuple(packets)
        for packet in probes:
            reason = self.obstacle(packet)
            if reason:
                raise Untestable(f"{packet}: {reason}")
        return probes

    def _ask(self, method: str, *arguments: object) -> Any:
        self._send(method, *arguments)
        return self._answer()

    def _send(self, method: str, *arguments: object) -> None:
        try:
            self._connection.send((method, arguments))
        except OSError:
            raise LabError("the lab's worker has died") from None

    def _answer(self) -> Any:
        try:
            answer = self._connection.recv()
        except (EOFError, OSError):
            raise LabError("the lab's worker has died") from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def _connection(self) -> Connection:
        if self._worker is None:
            raise ValueError("the lab is not open")
        return self._worker.connection

    def _stop(self) -> None:
        if self._worker is not None:
            self._worker.stop()
            self._worker = None
