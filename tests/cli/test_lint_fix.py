"""`natc lint --fix`: what is repaired, where, and what is refused."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from natc.cli.lint_files import Files, Reading
from natc.cli.lint_fix import Found, repair
from natc.diagnostics import Diagnostic, Edit, Fix, Label, PolicyError
from natc.source import Source, Span
from tests.cli.program import environment, natc

BAD = """\
# A gateway.

address spare = 192.168.3.99  # for later
address second = { spare, 192.168.3.98 }

address web = 192.168.3.10
dnat tcp/80 to 203.0.113.2 -> web
"""
GOOD = """\
# A gateway.

address web = 192.168.3.10
dnat tcp/80 to 203.0.113.2 -> web
"""
HOST_BITS = "snat from 192.168.3.5/24 out eth0 -> 203.0.113.2\n"
ONLY = ("--select", "NAT002,NAT010")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.nat").write_text(BAD, encoding="utf-8")
    (tmp_path / "bits.nat").write_text(HOST_BITS, encoding="utf-8")
    return tmp_path


def test_everything_is_repaired_that_can_be(folder: Path) -> None:
    done = natc("lint", *ONLY, "--fix", "p.nat", cwd=folder)
    assert (done.returncode, done.stdout) == (0, b"")
    assert (folder / "p.nat").read_text() == GOOD
    assert done.stderr.decode().splitlines() == [
        "repaired p.nat",
        "  p.nat:4:9: NAT002: delete `second`",
        "  p.nat:3:9: NAT002: delete `spare`",
        "no packet is treated differently",
        "no findings in p.nat",
    ]
    again = natc("lint", *ONLY, "--fix", "p.nat", cwd=folder)
    assert (again.returncode, again.stderr) == (0, b"no findings in p.nat\n")


def test_diff_shows_what_would_be_repaired_and_writes_nothing(folder: Path) -> None:
    done = natc("lint", *ONLY, "--diff", "p.nat", cwd=folder)
    assert done.returncode == 1
    lines = done.stdout.decode().splitlines()
    assert lines[:3] == ["--- p.nat", "+++ p.nat (repaired)", "@@ -1,7 +1,4 @@"]
    assert "-address spare = 192.168.3.99  # for later" in lines
    said = done.stderr.decode().splitlines()
    assert said[0] == "would repair p.nat"
    assert said[-2:] == [
        "no packet is treated differently",
        "no findings in p.nat would be left",
    ]
    assert (folder / "p.nat").read_text() == BAD


def test_what_would_be_left_is_told_before_what_else_can_be_repaired(folder: Path) -> None:
    (folder / "p.nat").write_text("masquerade from 192.168.3.5/24 out eth0\n")
    done = natc("lint", "--diff", "p.nat", cwd=folder)
    said = done.stderr.decode().splitlines()[-1]
    assert said == "1 error in p.nat would be left; `--fix --unsafe-fixes` repairs 1"


def test_what_is_left_is_told_and_decides_the_exit_code(folder: Path) -> None:
    (folder / "p.nat").write_text(BAD + "dnat tcp/81 -> 192.168.3.10\n")
    done = natc("lint", "--select", "NAT002,NAT210", "--fix", "p.nat", cwd=folder)
    assert done.returncode == 0
    (folder / "p.nat").write_text(BAD + "snat out eth0 -> { 203.0.113.1, 203.0.113.9 }\n")
    done = natc("lint", "--select", "NAT002,NAT210", "--fix", "p.nat", cwd=folder)
    assert done.returncode == 1
    assert b"error[NAT210]" in done.stdout
    assert b"--> p.nat:5:1" in done.stdout
    assert (folder / "p.nat").read_text().startswith(GOOD)


def test_an_exemption_is_moved_up_with_its_comment(folder: Path) -> None:
    zones = """\
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
"""
    share = "snat from lan out wan -> 203.0.113.2\n"
    tunnel = "exempt from lan to 10.8.0.0/16 out wan  # the far end knows us\n"
    (folder / "p.nat").write_text(zones + share + tunnel)
    done = natc("lint", "--select", "NAT1", "--fix", "--unsafe-fixes", "p.nat", cwd=folder)
    assert done.returncode == 0
    assert (folder / "p.nat").read_text() == zones + tunnel + share
    said = done.stderr.decode()
    assert "  p.nat:4:1: NAT111: move it up\n" in said
    assert "10.8.0.0/16" in said.split("move it up")[1]


def test_an_exemption_is_moved_between_no_rule_and_its_comments(folder: Path) -> None:
    zones = """\
zone wan { interface eth0; address 203.0.113.2 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

"""
    share = "# Everybody shares.\nsnat from lan out wan -> 203.0.113.2\n"
    tunnel = "# The tunnel keeps\n# its addresses.\nexempt from lan to 10.8.0.0/16 out wan  # vpn\n"
    (folder / "p.nat").write_text(f"{zones}{share}\n{tunnel}")
    done = natc("lint", "--select", "NAT1", "--fix", "--unsafe-fixes", "p.nat", cwd=folder)
    assert done.returncode == 0
    assert (folder / "p.nat").read_text() == zones + tunnel + share


def test_an_exemption_beside_other_statements_stays(folder: Path) -> None:
    text = "snat out eth0 -> 203.0.113.2; exempt to 10.8.0.0/16 out eth0  # both\n"
    (folder / "p.nat").write_text(text)
    natc("lint", "--select", "NAT111", "--fix", "--unsafe-fixes", "p.nat", cwd=folder)
    assert (folder / "p.nat").read_text() == text


def test_unsafe_repairs_are_asked_for(folder: Path) -> None:
    done = natc("lint", "--fix", "bits.nat", cwd=folder)
    assert done.returncode == 1
    assert (folder / "bits.nat").read_text() == HOST_BITS
    assert done.stderr.decode() == "1 error in bits.nat; `--fix --unsafe-fixes` repairs 1\n"
    done = natc("lint", "--fix", "--unsafe-fixes", "--select", "NAT002", "bits.nat", cwd=folder)
    assert (done.returncode, done.stdout) == (0, b"")
    assert (folder / "bits.nat").read_text() == HOST_BITS.replace(".5/24", ".0/24")
    assert b"it meant nothing before, because of its errors" in done.stderr


def test_standard_input_is_repaired_to_standard_output(folder: Path) -> None:
    done = natc("lint", *ONLY, "--fix", "-", cwd=folder, stdin=BAD.encode())
    assert (done.returncode, done.stdout.decode()) == (0, GOOD)
    assert done.stderr.startswith(b"repaired <stdin>\n")
    text = BAD.replace("-> web", "-> web\nsnat out eth0 -> { 203.0.113.1, 203.0.113.9 }")
    done = natc("lint", "--select", "NAT210", "--fix", "-", cwd=folder, stdin=text.encode())
    assert (done.returncode, done.stdout.decode()) == (1, text)
    assert b"error[NAT210]" in done.stderr


def test_definitions_of_a_node_are_repaired_too(folder: Path) -> None:
    text = 'node "a" { address spare = 10.0.0.1 }\nmasquerade out eth0\n'
    (folder / "n.nat").write_text(text)
    done = natc("lint", *ONLY, "--fix", "n.nat", cwd=folder)
    assert done.returncode == 0
    assert natc("compile", "n.nat", cwd=folder).returncode == 0


def test_an_included_file_is_repaired_where_it_lies_when_asked_for(folder: Path) -> None:
    old = '# Old.\nallow NAT405 because "x"\n'
    (folder / "parts").mkdir()
    (folder / "parts" / "old.nat").write_text(old)
    (folder / "p.nat").write_text(f'include "parts/old.nat"\n{GOOD}')
    words = ("lint", *ONLY, "--select", "NAT405", "--fix")
    done = natc(*words, "p.nat", cwd=folder)
    assert done.returncode == 1
    assert b"; `--fix --unsafe-fixes` repairs 1" in done.stderr
    assert (folder / "parts" / "old.nat").read_text() == old
    done = natc(*words, "--unsafe-fixes", "p.nat", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "parts" / "old.nat").read_text() == "# Old.\n"
    assert (folder / "p.nat").read_text() == f'include "parts/old.nat"\n{GOOD}'


def test_what_one_policy_does_not_need_of_a_shared_file_stays_for_the_others(folder: Path) -> None:
    shared = "address web = 192.168.3.10\nsnat tcp out eth0 -> 203.0.113.2\n"
    one = 'snat out eth0 -> 203.0.113.2\ninclude "shared.nat"\ndnat tcp/80 in eth0 -> web\n'
    two = 'include "shared.nat"\ndnat tcp/80 in eth0 -> web\n'
    for name, text in (("shared", shared), ("one", one), ("two", two)):
        (folder / f"{name}.nat").write_text(text)
    done = natc("lint", "--fix", "one.nat", "shared.nat", "./two.nat", cwd=folder)
    assert b"NAT002" not in done.stdout + done.stderr
    assert b"shared.nat:2:1" in natc("lint", "one.nat", "--format", "concise", cwd=folder).stdout
    for name, text in (("shared", shared), ("one", one), ("two", two)):
        assert (folder / f"{name}.nat").read_text() == text


def test_words_of_the_command_line_are_not_repaired(folder: Path) -> None:
    words = ("--fix", "--unsafe-fixes", "--set", "web=192.168.3.5/24")
    done = natc("lint", "--select", "NAT405", *words, "p.nat", cwd=folder)
    assert done.returncode == 1
    assert b"error[NAT009]" in done.stdout
    assert (folder / "p.nat").read_text() == BAD


def test_a_file_that_cannot_be_written_is_said_and_stays(folder: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    folder.chmod(0o500)
    done = natc("lint", *ONLY, "--fix", "p.nat", cwd=folder)
    folder.chmod(0o700)
    assert done.returncode == 3
    assert (folder / "p.nat").read_text() == BAD


def test_what_cannot_be_written_is_not_called_repaired(folder: Path) -> None:
    """A full disk, as root meets it too."""
    command = 'ulimit -f 0; exec "$0" -m natc lint --fix p.nat'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable],
        cwd=folder,
        env=environment(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr == b"natc: cannot write p.nat: File too large\n"
    assert {path.name for path in folder.iterdir()} == {"p.nat", "bits.nat"}
    assert (folder / "p.nat").read_text() == BAD


def test_the_mode_of_a_file_stays(folder: Path) -> None:
    (folder / "p.nat").chmod(0o640)
    natc("lint", *ONLY, "--fix", "p.nat", cwd=folder)
    assert stat.S_IMODE((folder / "p.nat").stat().st_mode) == 0o640
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


# Repairs that are wrong.


def offering(files: Files, old: str, new: str, *, is_safe: bool = True) -> Callable[[], Found]:
    """Return a way to look that offers one repair until it is done."""

    def find() -> Found:
        subject = files.subject()
        text = files.repaired.get(files.name) or files.lying(files.name)
        if old not in text:
            return subject, []
        start = text.index(old)
        span = Span(Source(files.name, text), start, start + len(old))
        fix = Fix("do it", (Edit(span, new),), is_safe)
        return subject, [Diagnostic("NAT102", "x", Label(span), fix=fix)]

    return find


def files_of(folder: Path, text: str) -> Files:
    (folder / "x.nat").write_text(text)
    return Files(str(folder / "x.nat"), Reading("auto", None, "", {}, None, date(2026, 1, 1)))


def test_a_repair_that_changes_packets_is_refused_though_it_is_called_safe(folder: Path) -> None:
    files = files_of(folder, GOOD)
    repairs = repair(files, offering(files, "tcp/80", "tcp/81"), unsafe=False)
    assert repairs.refused is not None
    assert "packets would be treated differently" in repairs.refused
    assert "tcp/80 to 203.0.113.2" in repairs.refused
    assert (repairs.done, files.repaired) == ((), {})


def test_an_unsafe_repair_is_done_and_its_difference_shown(folder: Path) -> None:
    files = files_of(folder, GOOD)
    find = offering(files, "tcp/80", "tcp/81", is_safe=False)
    assert repair(files, find, unsafe=False).done == ()
    repairs = repair(files, find, unsafe=True)
    assert len(repairs.done) == 1
    assert "2 differences" in repairs.meaning
    assert files.repaired == {files.name: GOOD.replace("tcp/80", "tcp/81")}


def test_a_repair_that_changes_packets_is_not_done_with_unsafe_ones_either(folder: Path) -> None:
    files = files_of(folder, GOOD)
    repairs = repair(files, offering(files, "tcp/80", "tcp/81"), unsafe=True)
    assert repairs.refused is not None
    assert files.repaired == {}


def test_a_repair_that_breaks_the_policy_is_refused(folder: Path) -> None:
    files = files_of(folder, GOOD)
    find = offering(files, "address web = 192.168.3.10\n", "")

    def look() -> Found:
        try:
            return find()
        except PolicyError as error:
            return None, list(error.diagnostics)

    repairs = repair(files, look, unsafe=False)
    assert repairs.refused == "after the repairs the text would be wrong"
    assert files.repaired == {}


def test_a_repair_without_end_ends(folder: Path) -> None:
    files = files_of(folder, GOOD)
    repairs = repair(files, offering(files, "A gateway", "A gateway."), unsafe=False)
    assert len(repairs.done) == 100


def test_rules_that_exist_are_repaired_too(folder: Path) -> None:
    dump = "*nat\n-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.1\n"
    line = dump.splitlines(keepends=True)[1]
    files = files_of(folder, dump + line + "COMMIT\n")
    repairs = repair(files, offering(files, line + line, line), unsafe=False)
    assert repairs.refused is None
    assert repairs.meaning == "no packet is treated differently"
    assert files.repaired == {files.name: f"{dump}COMMIT\n"}
