"""Which saved rules a machine loads at boot, by its scripts and units."""

from pathlib import Path

import pytest

from natc.address import Family
from natc.host.doctor.loadings import loadings

RULES = "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n"
UNIT = "etc/systemd/system/multi-user.target.wants/own.service"


def machine(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def seen(root: Path) -> list[tuple[str, bool]]:
    return [(one.path, one.keeps) for one in loadings(root)]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("/sbin/iptables-restore /etc/own.rules", [("/etc/own.rules", False)]),
        ("/bin/sh -c 'iptables-restore </etc/own.rules'", []),  # One word, quoted.
        ("/sbin/iptables-restore -n /etc/own.rules", [("/etc/own.rules", True)]),
        ("/sbin/iptables-restore --noflush -w 5 /etc/own.rules", [("/etc/own.rules", True)]),
        ("/sbin/iptables-restore -wn /etc/own.rules", [("/etc/own.rules", True)]),
        ("/sbin/iptables-restore --test /etc/own.rules", []),
        ("/sbin/iptables-restore $OPTIONS /etc/own.rules", []),
        ("/sbin/iptables-restore /etc/missing.rules", []),
        ("/bin/sh /etc/natc/gateway.sh", []),
    ],
)
def test_a_unit_that_is_enabled_loads_what_its_command_names(
    tmp_path: Path, command: str, expected: list[tuple[str, bool]]
) -> None:
    files = {UNIT: f"[Service]\nExecStart={command}\n", "etc/own.rules": RULES}
    assert seen(machine(tmp_path, files)) == expected


def test_a_link_to_a_unit_means_the_unit(tmp_path: Path) -> None:
    unit = "[Service]\nExecStart=/sbin/ip6tables-restore /etc/own.rules\n"
    root = machine(tmp_path, {"lib/systemd/own.service": unit, "etc/own.rules": RULES})
    (root / UNIT).parent.mkdir(parents=True)
    (root / UNIT).symlink_to("/lib/systemd/own.service")
    (one,) = loadings(root)
    assert (one.family, one.path, one.by) == (Family.IPV6, "/etc/own.rules", "own.service")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("iptables-restore < /etc/own.rules", [("/etc/own.rules", False)]),
        ("iptables-restore </etc/own.rules || exit 0", [("/etc/own.rules", False)]),
        ("iptables-legacy-restore -n </etc/own.rules", [("/etc/own.rules", True)]),
        ("# iptables-restore </etc/own.rules", []),
        ('iptables-restore <"$FILE"', []),
        ("iptables-save >/etc/own.rules", []),
    ],
)
def test_a_script_loads_what_its_commands_name(
    tmp_path: Path, script: str, expected: list[tuple[str, bool]]
) -> None:
    name = "etc/network/if-pre-up.d/rules"
    root = machine(tmp_path, {name: f"#!/bin/sh\n{script}\n", "etc/own.rules": RULES})
    assert seen(root) == []  # Nobody runs what cannot be run.
    (root / name).chmod(0o755)
    assert seen(root) == expected


PERSISTENT = {
    "etc/systemd/system/multi-user.target.wants/netfilter-persistent.service": "",
    "usr/share/netfilter-persistent/plugins.d/15-ip4tables": "",
    "etc/iptables/rules.v4": RULES,
    "etc/iptables/rules.v6": RULES,
}


@pytest.mark.parametrize(
    ("setting", "keeps"),
    [
        ("", False),
        ("IPTABLES_RESTORE_NOFLUSH=yes\n", True),
        ('export IPTABLES_RESTORE_NOFLUSH="yes"\n', True),
        ("IPTABLES_RESTORE_NOFLUSH=no\n", False),
        ("# IPTABLES_RESTORE_NOFLUSH=yes\n", False),
    ],
)
def test_netfilter_persistent_flushes_unless_its_settings_say_otherwise(
    tmp_path: Path, setting: str, keeps: bool
) -> None:
    files = PERSISTENT | {"etc/default/netfilter-persistent": setting}
    assert seen(machine(tmp_path, files)) == [("/etc/iptables/rules.v4", keeps)]


def test_iptables_services_load_their_own_file(tmp_path: Path) -> None:
    unit = "etc/systemd/system/basic.target.wants/ip6tables.service"
    start = "ExecStart=/usr/libexec/iptables/ip6tables.init start\n"
    files = {unit: start, "etc/sysconfig/ip6tables": RULES, "etc/sysconfig/iptables": RULES}
    assert seen(machine(tmp_path, files)) == [("/etc/sysconfig/ip6tables", False)]
