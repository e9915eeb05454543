"""`natc diff`: what two rule sets treat differently."""

import json
from pathlib import Path

import pytest

from tests.cli.program import natc

OLD = """\
zone wan { interface eth0; address 203.0.113.2; subnet 203.0.113.0/24 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

port-forward tcp/80 on wan -> 192.168.3.10:8080 as web
masquerade from lan out wan as share
"""
NEW = OLD.replace("192.168.3.10:8080", "192.168.3.11:8080")
NARROW = OLD.replace("from lan", "from 192.168.3.0/25")
DUMP = """\
*nat
:PREROUTING ACCEPT [0:0]
:WEB - [0:0]
-A PREROUTING -i eth0 -d 203.0.113.2 -p tcp -m tcp --dport 80 -j WEB
-A WEB -j DNAT --to-destination 192.168.3.10:8080
-A POSTROUTING -s 192.168.3.0/24 -o eth0 -j MASQUERADE
COMMIT
*filter
:FORWARD DROP [0:0]
COMMIT
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    texts = {"old.nat": OLD, "new.nat": NEW, "narrow.nat": NARROW, "save.v4": DUMP}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_equal_policies_have_no_difference(folder: Path) -> None:
    done = natc("diff", "--exit-code", "old.nat", "old.nat", cwd=folder)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == "no difference: every packet is treated alike\n"


def test_a_difference_shows_packets_fates_rules_and_a_witness(folder: Path) -> None:
    done = natc("diff", "old.nat", "new.nat", cwd=folder)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines() == [
        "1. IPv4: tcp/80 to 203.0.113.2 in eth0",
        "     old.nat  to 192.168.3.10:8080   (old.nat:4 web)",
        "     new.nat  to 192.168.3.11:8080   (new.nat:4 web)",
        "     witness: tcp 198.51.100.7:40000 > 203.0.113.2:80 in eth0",
        "",
        "1 difference",
    ]


def test_exit_code_tells_scripts(folder: Path) -> None:
    assert natc("diff", "--exit-code", "old.nat", "new.nat", cwd=folder).returncode == 1


def test_a_policy_and_what_the_kernel_holds_can_be_compared(folder: Path) -> None:
    done = natc("diff", "--exit-code", "old.nat", "save.v4", cwd=folder)
    assert done.returncode == 0, done.stdout.decode()
    done = natc("diff", "--exit-code", "narrow.nat", "save.v4", cwd=folder)
    assert done.returncode == 1
    assert "from 192.168.3.128/25" in done.stdout.decode()


def test_dumps_are_compared_with_their_filter_rules(folder: Path) -> None:
    (folder / "open.v4").write_text(DUMP.replace(":FORWARD DROP", ":FORWARD ACCEPT"))
    done = natc("diff", "save.v4", "open.v4", cwd=folder)
    assert "save.v4  dropped" in done.stdout.decode()


def test_standard_input_is_read(folder: Path) -> None:
    done = natc("diff", "old.nat", "-", cwd=folder, stdin=DUMP.encode())
    assert done.stdout.decode() == "no difference: every packet is treated alike\n"


def test_json(folder: Path) -> None:
    done = natc("diff", "old.nat", "new.nat", "--format", "json", cwd=folder)
    said = json.loads(done.stdout)
    assert (said["version"], said["equal"]) == (1, False)
    (found,) = said["differences"]
    assert found["left"] == {
        "becomes": "to 192.168.3.10:8080",
        "rules": [{"name": "web", "file": "old.nat", "line": 4}],
    }
    assert found["witness"] == "tcp 198.51.100.7:40000 > 203.0.113.2:80 in eth0"


def test_markdown(folder: Path) -> None:
    done = natc("diff", "old.nat", "new.nat", "--format", "markdown", cwd=folder)
    lines = done.stdout.decode().splitlines()
    assert lines[0] == "`old.nat` and `new.nat` treat 1 set of packets differently."
    assert lines[2] == "| packets | `old.nat` | `new.nat` | for example |"
    assert lines[4].startswith("| IPv4 `tcp/80 to 203.0.113.2 in eth0` | `to 192.168.3.10:8080`")


def test_a_broken_file_is_a_located_error(folder: Path) -> None:
    (folder / "broken.v4").write_text("*nat\n-A PREROUTING -p tcp --dport\nCOMMIT\n")
    done = natc("diff", "old.nat", "broken.v4", cwd=folder)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"broken.v4:2:" in done.stderr


def test_a_missing_file_is_said(folder: Path) -> None:
    done = natc("diff", "old.nat", "gone.nat", cwd=folder)
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.decode() == "natc: cannot read gone.nat: No such file or directory\n"
