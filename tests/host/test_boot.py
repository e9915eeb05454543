"""`natc install-boot`: the confirmed rules are there before the network is, without Python."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from natc.address import Family
from natc.targets.iptables.own import parts
from natc.testlab import Completed, Flavour, Lab, Topology
from tests.host import process_one
from tests.host.gateway import FIRST, SECOND, Gateway
from tests.kernel.site import topology

UNIT = "/etc/systemd/system/natc.service"
STATE = "/var/lib/natc"
NOTHING: dict[Family, object] = {Family.IPV4: {}, Family.IPV6: {}}
SERVICE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
"""What services find in PATH.  Source: systemd.exec(5), 252."""

PROXIES = SECOND + "transparent-proxy tcp/80 in lan -> [::1]:3130 tproxy mark 0x1/0x1 as proxy6\n"
"""Policy routing in both families."""


class Disk:
    """A machine whose /etc and /var outlive its kernel: labs see them one after the other."""

    def __init__(self, flavour: Flavour, folder: Path) -> None:
        self._flavour = flavour
        self._folder = folder

    @contextmanager
    def running(self, *, has_network: bool = True) -> Iterator[Gateway]:
        """Start the machine, with a new kernel as far as networks go."""
        built = topology(has_bridge=False) if has_network else Topology(tuple(Family))
        with Lab(built, self._flavour) as lab:
            gateway = Gateway(lab, self._flavour, self._folder)
            for name in ("etc", "var"):
                done = gateway.run(f"""
                    mkdir -p disk/{name} work/{name}
                    mount -t overlay natc-disk /{name} \\
                        -o lowerdir=/{name},upperdir=$PWD/disk/{name},workdir=$PWD/work/{name}
                """)
                if done.status != 0:
                    pytest.skip(f"no overlay file system here: {done.output}")
            yield gateway


@pytest.fixture
def disk(flavour: Flavour, tmp_path: Path) -> Disk:
    return Disk(flavour, tmp_path)


def natc(gateway: Gateway, command: str) -> Completed:
    """Run a natc command with natc's usual folders."""
    return gateway.run(f"export NATC_STATE_DIR={STATE}; natc {command}")


def must(gateway: Gateway, command: str) -> str:
    done = natc(gateway, command)
    assert done.status == 0, done.output
    return done.output


def boot(gateway: Gateway) -> Completed:
    """Do what systemd does: run the unit's command in its environment, where no Python runs."""
    return gateway.run(f"""
        for python in /usr/bin/python3* /usr/local/bin/python3*; do
            [ -f "$python" ] && mount --bind /bin/false "$python"
        done
        line=$(sed -n 's/^ExecStart=//p' {UNIT})
        env -i PATH={SERVICE_PATH} $line; code=$?
        for python in /usr/bin/python3* /usr/local/bin/python3*; do
            [ -f "$python" ] && umount "$python"
        done
        exit $code
    """)


def installed(disk: Disk, *commands: str) -> tuple[object, ...]:
    """Have a machine run natc commands and `install-boot`; return what it then holds."""
    with disk.running() as gateway:
        gateway.policy("first.nat", FIRST)
        gateway.policy("second.nat", SECOND)
        gateway.policy("proxies.nat", PROXIES)
        must(gateway, commands[0])
        must(gateway, "install-boot")
        for command in commands[1:]:
            must(gateway, command)
        return gateway.everything()


@pytest.mark.kernel
def test_the_confirmed_rules_are_there_before_any_interface_is(disk: Disk) -> None:
    right = installed(disk, "apply proxies.nat")
    with disk.running(has_network=False) as gateway:
        gateway.must("ip link set lo down; for i in natc-fence0; do ip link del $i; done")
        done = boot(gateway)
        assert done.output == ""
        assert done.status == 0
        assert gateway.everything() == right
        assert "local default dev lo" in gateway.must("ip -6 route show table 100")
        assert gateway.run("readlink /run/natc/current").output.strip() == f"{STATE}/generations/1"
        assert boot(gateway).status == 0
        assert gateway.everything() == right
        assert "is in place already" in must(gateway, "apply proxies.nat")


@pytest.mark.kernel
def test_a_real_systemd_runs_the_unit_before_the_network(disk: Disk) -> None:
    own, _, _ = installed(disk, "apply second.nat")
    with disk.running() as gateway:
        seen = process_one.boot(gateway)
    assert seen["result"].split() == ["Result=success", "ExecMainStatus=0"]
    assert {family: parts(seen[f"rules.{family.value}"]) for family in Family} == own
    assert "fwmark 0x1/0x1 lookup 100" in seen["routing"]
    assert "eth" not in seen["links"]
    assert seen["current"] == f"{STATE}/generations/1\n"


@pytest.mark.kernel
def test_rules_that_nobody_confirmed_do_not_come_back(disk: Disk) -> None:
    right = installed(disk, "apply first.nat")
    with disk.running() as gateway:
        assert boot(gateway).status == 0
        must(gateway, "apply second.nat --confirm 600")
    with disk.running() as gateway:
        assert boot(gateway).status == 0
        assert gateway.everything() == right


@pytest.mark.kernel
def test_what_was_confirmed_after_the_installation_comes_back(disk: Disk) -> None:
    right = installed(disk, "apply first.nat", "apply second.nat --confirm 600", "confirm")
    with disk.running() as gateway:
        assert boot(gateway).status == 0
        assert gateway.everything() == right


@pytest.mark.kernel
def test_a_restart_undoes_what_waits_to_be_confirmed(disk: Disk) -> None:
    with disk.running() as gateway:
        first = gateway.policy("first.nat", FIRST)
        second = gateway.policy("second.nat", SECOND)
        must(gateway, f"apply {first}")
        must(gateway, "install-boot")
        before = gateway.everything()
        must(gateway, f"apply {second} --confirm 600")
        assert boot(gateway).status == 0
        assert gateway.everything() == before
        assert "nothing waits" in natc(gateway, "confirm").output


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("rm generations/1/install.sh", "generations/1/install.sh"),
        (": >generations/1/install.sh", "generations/1/install.sh"),
        ("sed -i '$d' generations/1/install.sh", "generations/1/install.sh"),
        ("rm generations/1/sums; sed -i 60q generations/1/install.sh", "generations/1/install.sh"),
        ("rm -r generations/1", "/boot"),
        ("rm boot; echo 1 >boot", "/boot"),
        ("rm -r generations boot", "/generations"),
    ],
)
def test_a_damaged_memory_is_named_and_nothing_of_it_is_loaded(
    disk: Disk, damage: str, named: str
) -> None:
    installed(disk, "apply second.nat")
    with disk.running() as gateway:
        gateway.must(f"cd {STATE} && {damage}")
        done = boot(gateway)
        assert done.status == 3
        assert f"{STATE}{'' if named.startswith('/') else '/'}{named}" in done.output
        assert gateway.own() == NOTHING


@pytest.mark.kernel
def test_rules_that_the_kernel_refuses_fail_the_boot_loudly(disk: Disk) -> None:
    with disk.running() as gateway:
        gateway.must("ipset create guests hash:net")
        policy = gateway.policy("set.nat", FIRST + "dnat tcp/82 in lan set guests -> 192.168.3.9\n")
        must(gateway, f"apply {policy}")
        must(gateway, "install-boot")
    with disk.running() as gateway:
        done = boot(gateway)
        assert done.status == 3
        assert "guests" in done.output or "iptables-restore failed" in done.output
        assert gateway.run("readlink /run/natc/current").status != 0


@pytest.mark.kernel
def test_nothing_confirmed_is_refused_before_and_no_fault_afterwards(disk: Disk) -> None:
    with disk.running() as gateway:
        done = natc(gateway, "install-boot")
        assert done.status == 3
        assert "nothing is confirmed yet" in done.output
        assert gateway.run(f"ls {UNIT}").status != 0
        policy = gateway.policy("first.nat", FIRST)
        must(gateway, f"apply {policy}")
        must(gateway, "install-boot")
        must(gateway, "rollback")
    with disk.running() as gateway:
        done = boot(gateway)
        assert done.status == 0
        assert "nothing is confirmed" in done.output
        assert gateway.own() == NOTHING


@pytest.mark.kernel
def test_a_hook_restores_once_a_boot_and_lets_later_applies_be(disk: Disk) -> None:
    hook = "/etc/network/if-pre-up.d/natc"
    run = f"env -i PATH=/bin {hook}"
    with disk.running() as gateway:
        gateway.policy("first.nat", FIRST)
        gateway.policy("second.nat", SECOND)
        must(gateway, "apply first.nat")
        right = gateway.everything()
        must(gateway, f"install-boot --script {hook}")
        assert gateway.run(f"ls {UNIT}").status != 0
        must(gateway, "apply second.nat --confirm 600")
        other = gateway.everything()
        gateway.must(run)
        assert gateway.everything() == other
    with disk.running() as gateway:
        gateway.must(run)
        assert gateway.everything() == right
        must(gateway, "apply second.nat --confirm 600")
        gateway.must(f"{run}; run-parts /etc/network/if-pre-up.d")
        assert gateway.everything() == other


@pytest.mark.kernel
def test_settings_are_for_the_boot_and_set_at_once_only_when_asked(disk: Disk) -> None:
    both = "cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding"
    with disk.running() as gateway:
        policy = gateway.policy("first.nat", FIRST)
        must(gateway, f"apply {policy}")
        gateway.must("sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0")
        said = must(gateway, "install-boot")
        assert "the rules need net/ipv4/ip_forward = 1" in said
        assert "accept_ra = 2" in said
        assert gateway.must(both).split() == ["0", "0"]
        gateway.must("sysctl -q -p /etc/sysctl.d/60-natc.conf")
        assert gateway.must(both).split() == ["1", "1"]
        gateway.must("sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0")
        assert "ip_forward = 1 is set now" in must(gateway, "install-boot --now")
        assert gateway.must(both).split() == ["1", "1"]


@pytest.mark.kernel
def test_without_room_nothing_is_half_written(disk: Disk) -> None:
    with disk.running() as gateway:
        policy = gateway.policy("first.nat", FIRST)
        must(gateway, f"apply {policy}")
        gateway.must("""
            mkdir -p /etc/natc
            mount -t tmpfs -o size=4k,nr_inodes=9 full /etc/natc
            head -c 4096 /dev/zero >/etc/natc/all
        """)
        done = natc(gateway, "install-boot")
        assert done.status == 3
        assert "cannot write /etc/natc/boot.sh: No space left on device" in done.output
        assert gateway.run(f"ls {UNIT} /etc/natc/boot.sh").status != 0
        assert gateway.must("ls -A /etc/natc").split() == ["all"]
