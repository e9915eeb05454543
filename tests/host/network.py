"""A gateway with real neighbours: servers inside, clients outside, connections between them.

    python -m tests.host.network server NAME                  says NAME to whoever connects
    python -m tests.host.network client FILE ADDRESS PORT    connects again and again, writes down
    python -m tests.host.network keeper FILE ADDRESS PORT    keeps one connection busy

The gateway is a namespace within a lab's, since a lab lets its own gateway say nothing.
"""

import os
import selectors
import shlex
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.host.gateway import Gateway

EVERY = 0.005
"""Seconds between a client's connections."""

PUBLIC, PUBLIC6 = "203.0.113.1", "2001:db8:113::1"
SERVERS = {"a": ("192.168.3.10", "fd00:3::10"), "b": ("192.168.3.11", "fd00:3::11")}

_BUILD = """
set -e
for side in gateway wan lan; do ip netns add $side; done
link() {  # SIDE NAME ADDRESS4 ADDRESS6 NEIGHBOUR4 NEIGHBOUR6
    ip link add $2 netns gateway type veth peer name port0 netns $1
    nsenter --net=/run/netns/gateway ip addr add $3 dev $2
    nsenter --net=/run/netns/gateway ip addr add $4 dev $2 nodad
    nsenter --net=/run/netns/gateway ip link set $2 up
    nsenter --net=/run/netns/$1 ip link set port0 up
    nsenter --net=/run/netns/$1 ip link set lo up
    nsenter --net=/run/netns/$1 ip addr add $5 dev port0
    nsenter --net=/run/netns/$1 ip addr add $6 dev port0 nodad
    nsenter --net=/run/netns/$1 ip route add default via ${3%/*}
    nsenter --net=/run/netns/$1 ip -6 route add default via ${4%/*}
}
nsenter --net=/run/netns/gateway ip link set lo up
nsenter --net=/run/netns/gateway sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
link wan eth0 203.0.113.1/24 2001:db8:113::1/64 203.0.113.9/24 2001:db8:113::9/64
link lan eth1 192.168.3.1/24 fd00:3::1/64 192.168.3.10/24 fd00:3::10/64
nsenter --net=/run/netns/lan ip addr add 192.168.3.11/24 dev port0
nsenter --net=/run/netns/lan ip addr add fd00:3::11/64 dev port0 nodad
"""


class Tried(NamedTuple):
    """One connection of a client: when it was begun and how it ended, by the monotonic clock."""

    begun: float
    ended: float
    said: str

    @property
    def is_good(self) -> bool:
        """Whether a server answered."""
        return self.said in SERVERS


def until(condition: Callable[[], object], seconds: float = 20, what: object = "") -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what() if callable(what) else what
        time.sleep(0.01)


class Network:
    """What a test does with it."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.folder = gateway.folder
        gateway.must(_BUILD)

    def background(self, side: str, name: str, command: str, environment: str = "") -> None:
        """Start a program beside the gateway or on it; its output goes to `NAME.out`.

        Args:
            environment: more of it, `NAME=VALUE`.
        """
        python = shlex.quote(sys.executable)
        self.gateway.must(
            f"{environment} nsenter --net=/run/netns/{side} {python} -m {command}"
            f" </dev/null >{name}.out 2>&1 & echo $! >{name}.pid"
        )

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a program of the background."""
        self.gateway.must(f"kill -{int(number)} $(cat {name}.pid)")

    def is_running(self, name: str) -> bool:
        """Whether a program of the background has not ended."""
        line = f"grep -qs '^State:.[^Z]' /proc/$(cat {name}.pid)/status"
        return self.gateway.run(line).status == 0

    def output(self, name: str) -> str:
        """Return what a program of the background has said."""
        return (self.folder / f"{name}.out").read_text()

    def says(self, name: str, text: str, count: int = 1, seconds: float = 20) -> None:
        """Wait until a program of the background has said something so often."""
        until(lambda: self.output(name).count(text) >= count, seconds, lambda: self.output(name))

    def on_gateway(self, script: str, timeout: float = 60) -> str:
        """Run a script on the gateway that has no reason to fail."""
        inner = f'natc() {{ {shlex.quote(sys.executable)} -m natc "$@"; }}\n{script}'
        return self.gateway.must(
            f"nsenter --net=/run/netns/gateway sh -ec {shlex.quote(inner)}", timeout
        )

    def serve(self, name: str) -> None:
        """Start a server, and wait until it listens."""
        self.background("lan", name, f"tests.host.network server {name}")
        self.says(name, "listening")

    def watch(self, options: str = "", environment: str = "") -> None:
        """Start `natc watch`, and wait until it has begun."""
        self.background("gateway", "watch", f"natc watch {options}", environment)
        self.says("watch", "generation ")

    def tries(self, name: str) -> list[Tried]:
        """Return what a client has written down so far."""
        lines = (self.folder / f"{name}.log").read_text().splitlines()
        rows = (line.split(" ", 2) for line in lines if line.count(" ") >= 2)
        return [Tried(float(begun), float(ended), said) for begun, ended, said in rows]


# What runs beside the gateway.


def serve(name: str) -> None:
    """Say a name to whoever connects, then give back whatever it sends."""
    waiting = selectors.DefaultSelector()
    for address, port in ((one, port) for one in SERVERS[name] for port in (8080, 8081)):
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.socket(kind, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(128)
        waiting.register(listener, selectors.EVENT_READ, "listener")
    print("listening", flush=True)
    while True:
        for key, _ in waiting.select():
            ready = key.fileobj
            assert isinstance(ready, socket.socket)
            try:
                if key.data == "listener":
                    client, _ = ready.accept()
                    waiting.register(client, selectors.EVENT_READ, "client")
                    client.sendall(f"{name}\n".encode())
                elif data := ready.recv(4096):
                    ready.sendall(data)
                else:
                    raise ConnectionError
            except OSError:
                waiting.unregister(ready)
                ready.close()


def once(address: str, port: int) -> str:
    """Connect, and return what the server says it is, or why there is none."""
    try:
        with socket.create_connection((address, port), timeout=2) as made:
            return made.recv(64).decode().strip() or "closed"
    except OSError as error:
        return type(error).__name__


def ask(path: str, address: str, port: int) -> None:
    """Connect again and again, and write down how it went."""
    with Path(path).open("a", buffering=1) as log:
        while True:
            begun = time.monotonic()
            said = once(address, port)
            log.write(f"{begun} {time.monotonic()} {said}\n")
            time.sleep(EVERY)


def keep(path: str, address: str, port: int) -> None:
    """Keep one connection busy, and write down each answer."""
    with Path(path).open("a", buffering=1) as log:
        try:
            with socket.create_connection((address, port), timeout=5) as made:
                name = made.recv(64).decode().strip()
                while True:
                    begun = time.monotonic()
                    made.sendall(b"ping")
                    said = made.recv(64)
                    log.write(f"{begun} {time.monotonic()} {name if said == b'ping' else 'lost'}\n")
                    if said != b"ping":
                        return
                    time.sleep(0.02)
        except OSError as error:
            log.write(f"{time.monotonic()} {time.monotonic()} {type(error).__name__}\n")


def failed(tries: list[Tried], after: float, before: float = float("inf")) -> Iterator[Tried]:
    """Yield the connections begun in an interval of time that no server answered."""
    return (one for one in tries if after <= one.begun < before and not one.is_good)


def main() -> None:
    """Be one of the programs."""
    os.sched_setaffinity(0, range(os.cpu_count() or 1))  # A lab's processes share one CPU.
    match sys.argv[1:]:
        case ["server", name]:
            serve(name)
        case ["client", path, address, port]:
            ask(path, address, int(port))
        case ["keeper", path, address, port]:
            keep(path, address, int(port))


if __name__ == "__main__":
    main()
