"""The files that `natc install-boot` writes: which, where, and what systemd says of them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from natc import programs
from natc.address import Family
from natc.host.boot.forwarding import settings
from natc.host.held import State
from natc.host.store import Store
from natc.targets.iptables.own import parts
from natc.testlab import Completed


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The root folder of a machine on which the second policy is confirmed."""
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "bin").mkdir()
    (root / "bin/sh").write_text("")
    (root / "bin/sh").chmod(0o755)
    store = Store(str(root / "var/lib/natc"), str(tmp_path / "run"))
    store.make()
    facts = {"policy": "/etc/natc/office.nat", "digest": "", "made": 0.0, "place": "first"}
    facts |= {"backend": "restore", "node": "gw", "settings": {}}
    made = store.add({"install.sh": "#!/bin/sh\n"}, facts, None)
    dump = "*nat\n:NATC-POST - [0:0]\n-A NATC-POST -o eth0 -j MASQUERADE\nCOMMIT\n"
    store.note(made, {"saved.v4": State(Family.IPV4, parts(dump)).text()})
    (store.lasting / "boot").symlink_to("/var/lib/natc/generations/1")
    return root


def cli(*arguments: str, **environment: str) -> Completed:
    done = subprocess.run(
        [sys.executable, "-m", "natc", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=os.environ | environment,
    )
    return Completed(done.returncode, done.stdout)


def in_root(image: Path, *options: str) -> str:
    done = cli("install-boot", "--root", str(image), *options)
    assert done.status == 0, done.output
    return done.output


def snapshot(image: Path) -> dict[str, object]:
    return {
        str(path.relative_to(image)): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in sorted((image / "etc").rglob("*"))
        if path.is_file() or path.is_symlink()
    }


def test_an_image_gets_unit_script_and_settings(image: Path) -> None:
    in_root(image)
    assert set(snapshot(image)) == {
        "etc/natc/boot.sh",
        "etc/systemd/system/natc.service",
        "etc/sysctl.d/60-natc.conf",
    }
    settings_file = (image / "etc/sysctl.d/60-natc.conf").read_text()
    assert "net/ipv4/ip_forward = 1\n" in settings_file
    assert "ipv6" not in settings_file
    for name in ("etc/natc/boot.sh", "etc/systemd/system/natc.service"):
        assert str(image) not in (image / name).read_text()


def test_a_second_installation_changes_no_file(image: Path) -> None:
    in_root(image)
    before = snapshot(image)
    assert "wrote" not in in_root(image)
    assert snapshot(image) == before


def test_a_dry_run_prints_the_files_and_writes_none(image: Path) -> None:
    said = in_root(image, "--dry-run")
    assert snapshot(image) == {}
    in_root(image)
    for name in snapshot(image):
        assert f"# /{name}\n{(image / name).read_text()}" in said


def test_an_image_may_come_before_the_first_apply(tmp_path: Path) -> None:
    assert "nothing is confirmed there yet" in in_root(tmp_path)
    assert (tmp_path / "var/lib/natc/generations").is_dir()
    assert not (tmp_path / "etc/sysctl.d").exists()


@pytest.mark.parametrize(
    "name", ["etc/natc/boot.sh", "etc/systemd/system/natc.service", "etc/sysctl.d/60-natc.conf"]
)
@pytest.mark.parametrize("options", [(), ("--remove",)], ids=["install", "remove"])
def test_files_of_others_are_neither_replaced_nor_removed(
    image: Path, name: str, options: tuple[str, ...]
) -> None:
    theirs = image / name
    theirs.parent.mkdir(parents=True)
    theirs.write_text("# of the administrator\n")
    done = cli("install-boot", "--root", str(image), *options)
    assert done.status == 3
    assert f"{theirs} was not written by natc" in done.output
    assert theirs.read_text() == "# of the administrator\n"
    assert set(snapshot(image)) == {name}


def test_a_masked_unit_stays_masked(image: Path) -> None:
    unit = image / "etc/systemd/system/natc.service"
    unit.parent.mkdir(parents=True)
    unit.symlink_to("/dev/null")
    done = cli("install-boot", "--root", str(image))
    assert done.status == 3
    assert "is a link" in done.output
    assert unit.is_symlink()


def test_remove_takes_everything_away(image: Path) -> None:
    systemd("systemctl")
    in_root(image, "--enable")
    link = image / "etc/systemd/system/sysinit.target.wants/natc.service"
    assert link.is_symlink()
    in_root(image, "--remove")
    assert snapshot(image) == {}
    assert not link.is_symlink()
    assert "there was nothing to remove" in in_root(image, "--remove")
    assert (image / "var/lib/natc/generations/1").is_dir()


def test_settings_that_are_no_longer_needed_go(image: Path) -> None:
    in_root(image)
    assert "removed /etc/sysctl.d/60-natc.conf" in in_root(image, "--no-sysctl")
    assert not (image / "etc/sysctl.d/60-natc.conf").exists()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--script", "/etc/network/if-pre-up.d/natc.sh"), "run-parts"),
        (("--script", "/etc/local.d/natc"), ".start"),
        (("--script", "natc"), "from the image's `/` on"),
        (("--now",), "--root"),
        (("--script", "/etc/natc.sh", "--enable"), "systemd"),
    ],
)
def test_what_would_silently_not_run_is_wrong_usage(
    image: Path, options: tuple[str, ...], reason: str
) -> None:
    done = cli("install-boot", "--root", str(image), *options)
    assert done.status == 2
    assert reason in done.output
    assert snapshot(image) == {}


def test_a_folder_that_cannot_be_written_is_named(image: Path) -> None:
    (image / "etc/systemd").write_text("")
    done = cli("install-boot", "--root", str(image))
    assert done.status == 3
    assert "etc/systemd" in done.output
    assert "Traceback" not in done.output


def systemd(program: str) -> str:
    """Return a program of systemd, or skip."""
    path = programs.path_of(program)
    if path is None:
        pytest.skip(f"{program} is not installed (Debian package systemd)")
    return path


def test_systemd_finds_nothing_wrong_with_the_unit(image: Path) -> None:
    in_root(image)
    # It looks up ExecStart= where it runs, and the mounts that the unit asks for.
    unit = (image / "etc/systemd/system/natc.service").read_text()
    copy = image / "natc.service"
    copy.write_text(unit.replace("/etc/natc/boot.sh", str(image / "etc/natc/boot.sh")))
    for command in (
        ["verify", str(copy)],
        ["verify", "--root", str(image), "natc.service"],
    ):
        done = subprocess.run(
            [systemd("systemd-analyze"), *command],
            capture_output=True,
            text=True,
            check=False,
        )
        said = [line for line in (done.stdout + done.stderr).splitlines() if "natc" in line]
        assert said == []


def test_the_unit_may_do_little_more_than_it_must(image: Path) -> None:
    in_root(image)
    unit = image / "etc/systemd/system/natc.service"
    done = subprocess.run(
        [systemd("systemd-analyze"), "security", "--offline=yes", "--threshold=40", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    exposure = re.search(r"exposure level for natc.service: ([\d.]+)", done.stdout)
    assert exposure is not None
    assert float(exposure[1]) <= 4.0


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("NATC-POST -o eth0 -j MASQUERADE", {"net/ipv4/ip_forward"}),
        ("NATC-POST -o eth0 -j SNAT --to-source 203.0.113.1", {"net/ipv4/ip_forward"}),
        ("NATC-POST -o eth0 -j RETURN", set()),
        ("NATC-PRE-3 -p tcp -j DNAT --to-destination 192.168.3.1:80", {"net/ipv4/ip_forward"}),
        ("NATC-PRE -p tcp -j REDIRECT --to-ports 3128", set()),
        ("NATC-OUT -p tcp -j DNAT --to-destination 192.168.3.1:80", set()),
        ("NATC-OUT -p tcp -j DNAT --to-destination 127.0.0.1:80", set()),
        (
            "NATC-PRE -i eth0.10 -p tcp -j DNAT --to-destination 127.0.0.1:80",
            {"net/ipv4/conf/eth0.10/route_localnet"},
        ),
        (
            "NATC-PRE ! -i eth0 -p tcp -j DNAT --to-destination 127.0.0.1:80",
            {"net/ipv4/conf/all/route_localnet"},
        ),
        (
            "NATC-PRE -i ppp+ -p tcp -j DNAT --to-destination 127.0.0.1:80",
            {"net/ipv4/conf/all/route_localnet"},
        ),
        (
            'NATC-PRE -i eth0 -m comment --comment "a -j DNAT --to-destination 127.0.0.1 b" -j RETURN',
            set(),
        ),
    ],
)
def test_rules_ask_for_the_settings_without_which_they_do_nothing(
    rule: str, expected: set[str]
) -> None:
    chain = rule.split(maxsplit=1)[0]
    dump = f"*nat\n:{chain} - [0:0]\n-A {rule}\nCOMMIT\n"
    assert set(settings({Family.IPV4: parts(dump)})) == expected


def test_rules_of_ipv6_ask_for_its_forwarding() -> None:
    dump = "*nat\n:NATC-POST - [0:0]\n-A NATC-POST -o eth0 -j MASQUERADE\nCOMMIT\n"
    assert settings({Family.IPV6: parts(dump)}) == {"net/ipv6/conf/all/forwarding": "1"}
