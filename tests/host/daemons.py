"""Real Docker and libvirt daemons on a gateway in a lab, and machines on both sides of it.

All of them end with the lab, whose processes are in a PID namespace of their own; what they write
goes to its own file system in memory.
"""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from natc import programs
from natc.testlab import Flavour, Lab, Topology
from tests.host.gateway import Gateway

MACHINES = """
ip link set lo up
ip netns add outside
ip netns add inside
ip link add eth0 type veth peer name eth0 netns outside
ip link add eth1 type veth peer name eth0 netns inside
ip addr add 203.0.113.1/24 dev eth0
ip addr add 2001:db8:113::1/64 dev eth0 nodad
ip addr add 192.168.3.1/24 dev eth1
ip link set eth0 up
ip link set eth1 up
ip -n outside addr add 203.0.113.9/24 dev eth0
ip -n outside link set eth0 up
ip -n inside addr add 192.168.3.10/24 dev eth0
ip -n inside link set eth0 up
ip -n inside route add default via 192.168.3.1
mkdir /run/natc-lab/www
echo inside >/run/natc-lab/www/index.html
ip netns exec inside busybox httpd -p 80 -h /run/natc-lab/www
"""
"""A client outside, and a web server inside; their links are real ones, with ARP."""

PRIVATE_FOLDERS = """
for name in etc var; do
    mkdir -p /run/natc-lab/$name/upper /run/natc-lab/$name/work
    mount -t overlay natc-lab /$name \\
        -o lowerdir=/$name,upperdir=/run/natc-lab/$name/upper,workdir=/run/natc-lab/$name/work
done
"""
"""What daemons write to their usual folders stays in the lab."""

ALTERNATIVES = """
for program in iptables ip6tables; do
    for verb in '' -save -restore; do
        ln -sfn "$(readlink -f "$(command -v "$program$verb")")" /etc/alternatives/$program$verb
        [ "$("$program$verb" --version)" = "$("/usr/sbin/$program$verb" --version)" ] || exit 1
    done
done
"""
"""Has /usr/sbin/iptables mean the lab's flavour too, where /etc is the lab's own.

libvirt runs /usr/sbin/iptables wherever PATH leads (measured with Debian's 9.0.0), which Debian's
alternatives have mean either flavour.
"""

CGROUP = f"natc-test-{os.getpid()}"
"""Of all containers, so that what a killed daemon leaves can be removed."""

DOCKERD = f"""
mkdir -p /run/natc-lab/image/bin /run/natc-lab/image/www
cp "$(command -v busybox)" /run/natc-lab/image/bin/busybox
echo container >/run/natc-lab/image/www/index.html
(ulimit -n 65536; exec dockerd --data-root /run/natc-lab/docker --storage-driver vfs \\
    --iptables=true --cgroup-parent=/{CGROUP} </dev/null >/run/natc-lab/dockerd.log 2>&1) &
until docker version >/dev/null 2>&1; do
    kill -0 $! 2>/dev/null || {{ tail -5 /run/natc-lab/dockerd.log; exit 1; }}
    sleep 0.05
done
docker image inspect web >/dev/null 2>&1 || tar -C /run/natc-lab/image -c . | docker import - web
"""

LIBVIRTD = """
libvirtd </dev/null >/run/natc-lab/libvirtd.log 2>&1 &
until virsh -c qemu:///system list >/dev/null 2>&1; do
    kill -0 $! 2>/dev/null || { tail -5 /run/natc-lab/libvirtd.log; exit 1; }
    sleep 0.05
done
"""


def need(*names: str) -> None:
    """Skip where programs are missing, or natc's tests do not run as root."""
    if os.geteuid() != 0:
        pytest.skip("daemons run as root alone")
    for name in names:
        if programs.path_of(name) is None:
            pytest.skip(f"{name} is not installed")


@contextmanager
def site(flavour: Flavour, folder: Path) -> Iterator[Gateway]:
    """Return a gateway with a network on either side, where daemons may write what they like."""
    with Lab(Topology(()), flavour) as lab:
        gateway = Gateway(lab, flavour, folder)
        done = gateway.run(PRIVATE_FOLDERS)
        if done.status != 0:
            pytest.skip(f"no overlay file system here: {done.output}")
        gateway.must(ALTERNATIVES)
        # The lab's worker stays on one processor, for its own reasons; daemons need not.
        gateway.must("taskset -p ffffffff $PPID >/dev/null")
        gateway.must(MACHINES)
        yield gateway


@contextmanager
def docker(flavour: Flavour, folder: Path) -> Iterator[Gateway]:
    """Return a gateway on which Docker runs, with the image `web` of a small web server."""
    need("dockerd", "containerd", "docker", "busybox", "taskset")
    try:
        with site(flavour, folder) as gateway:
            gateway.must(DOCKERD)
            yield gateway
    finally:
        _remove_cgroups()


@contextmanager
def libvirt(flavour: Flavour, folder: Path) -> Iterator[Gateway]:
    """Return a gateway on which libvirt runs, without networks."""
    need("libvirtd", "virsh", "dnsmasq", "busybox", "taskset")
    with site(flavour, folder) as gateway:
        gateway.must(LIBVIRTD)
        yield gateway


def fetch(gateway: Gateway, port: int) -> str:
    """Return what a client outside gets from the gateway's public address."""
    code = f"""
from http.client import HTTPConnection
client = HTTPConnection("203.0.113.1", {port}, timeout=5)
client.request("GET", "/")
print(client.getresponse().read().decode())
"""
    # The wget of a static busybox dies of the resolver's libraries.
    return gateway.must(
        f"ip netns exec outside {shlex.quote(sys.executable)} -I -c {shlex.quote(code)}"
    ).strip()


def rules(gateway: Gateway) -> object:
    """Return natc's chains and jumps, wherever the jumps stand: others put theirs above."""
    return {
        (family, table): (part.chains, sorted((jump.chain, jump.text) for jump in part.jumps))
        for family, own in gateway.own().items()
        for table, part in own.items()
    }


def together(gateway: Gateway, mine: str, theirs: str, timeout: float = 50) -> int:
    """Run `mine` while `theirs` runs again and again; return how often that was.

    Args:
        mine: shell text; each command of both must succeed.
    """
    said = gateway.must(
        f"""
        cat >/run/natc-lab/theirs <<'END'
set -e
count=0
while [ -e /run/natc-lab/at-work ]; do
{theirs}
count=$((count + 1))
done
echo "$count" >/run/natc-lab/count
END
        touch /run/natc-lab/at-work
        sh /run/natc-lab/theirs >/run/natc-lab/said 2>&1 &
        ( set -e
        {mine}
        ) >/run/natc-lab/mine 2>&1; code=$?
        rm /run/natc-lab/at-work
        wait $! || {{ tail -n 5 /run/natc-lab/said; exit 1; }}
        [ $code = 0 ] || {{ tail -n 5 /run/natc-lab/mine; exit 1; }}
        cat /run/natc-lab/count
        """,
        timeout,
    )
    return int(said)


def _remove_cgroups() -> None:
    """Remove what containers leave behind when their daemon is killed: empty cgroups."""
    for top in [Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").glob("*/")]:
        for folder in sorted((top / CGROUP).rglob("*/"), reverse=True):
            folder.rmdir()
        if (top / CGROUP).is_dir():
            (top / CGROUP).rmdir()
