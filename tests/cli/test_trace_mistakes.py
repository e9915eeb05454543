"""`natc trace` of what is wrong: packets, policies, usage."""

from pathlib import Path

import pytest

from tests.cli.program import Done, natc
from tests.cli.tracing import INWARD, write_rules


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_rules(tmp_path)
    return tmp_path


def failed(folder: Path, *words: str, rules: str = "p.nat") -> Done:
    return natc("trace", rules, *words, cwd=folder)


@pytest.mark.parametrize(
    ("packet", "place", "message"),
    [
        ("", "1:1", "error[NAT000]: no packet here"),
        ("nonsense", "1:9", "error[NAT000]: unexpected end of line"),
        ("tcp", "1:4", "error[NAT000]: unexpected end of line"),
        ("tcp 1.2.3.4 > 5.6.7.8 in wan", "1:5", "error[NAT020]: a tcp packet has one port on each"),
        ("icmp 1.2.3.4:5 > 5.6.7.8:6 in wan", "1:6", "error[NAT020]: `icmp` has no ports"),
        ("tcp 1.2.3.4:5 > [fd00::1]:6 in wan", "1:17", "error[NAT008]: no IPv4 address"),
        ("tcp 1.2.3.4:5 > 5.6.7.8:6 in lam", "1:30", "error[NAT001]: no zone or network is named"),
        ("tcp 1.2.3.4:5 > 5.6.7.8:6", "1:1", "error[NAT020]: a packet from nowhere"),
        ("tcp 1.2.3.4:5 > wbe:6 in wan", "1:17", "error[NAT001]: no address, zone or network"),
        ("tcp 1.2.3.4:5 > lan/24 in wan", "1:17", "error[NAT017]: expected a set of addresses"),
        ("tcp 1.2.3.4:5 > 5.6.7.8:6 in wan user root", "1:34", "error[NAT209]"),
        ("tcp 1.2.3.4:5 > 5.6.7.8:6 in wan; expect dropped", "1:33", "error[NAT000]: `;`"),
        ("tcp 1.2.3.4:5 > 5.6.7.8:6 in wan }", "1:34", "error[NAT000]: `}` in a packet"),
        ("expect unchanged", "1:1", "error[NAT000]: not a packet"),
        ("tcp 1.2.3.4:5 > 5.6.7.8:6 in \x1b[1m", "1:30", "error[NAT014]"),
        ("tcp 1.2.3.4:5 > 5.6.7.8:6 in 6in4 mark 0x1/0x1/0x1", "1:47", "error[NAT000]"),
    ],
)
def test_a_wrong_packet_is_shown_where_it_is_wrong(
    packet: str, place: str, message: str, folder: Path
) -> None:
    done = failed(folder, "--packet", packet, "--format", "concise")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode().startswith(f"<packet>:{place}: {message}")


def test_a_wrong_packet_of_a_file_is_shown_in_the_file(folder: Path) -> None:
    (folder / "packets").write_text(f"{INWARD}\n  tcp 1.2.3.4 > 5.6.7.8 in wan\nwhat\n")
    done = failed(folder, "--packets", "packets", "--format", "concise")
    assert done.returncode == 1
    said = done.stderr.decode().splitlines()
    assert [line.split(" ")[0] for line in said] == ["packets:2:7:", "packets:3:5:"]


def test_the_problem_is_shown_under_the_packet(folder: Path) -> None:
    done = failed(folder, "--packet", "tcp 1.2.3.4:5 > 5.6.7.8:6 in lam")
    assert done.stderr.decode() == (
        "error[NAT001]: no zone or network is named `lam`\n"
        "  --> <packet>:1:30\n"
        "   |\n"
        " 1 | tcp 1.2.3.4:5 > 5.6.7.8:6 in lam\n"
        "   |                              ^^^\n"
        "   |\n"
        '   = help: did you mean `lan`? for an interface of that name write `"lam"`\n'
    )


def test_a_wrong_policy_comes_before_its_packets(folder: Path) -> None:
    (folder / "wrong.nat").write_text("masquerade in eth0\n")
    done = failed(folder, "--packet", "what", "--format", "concise", rules="wrong.nat")
    assert done.returncode == 1
    assert done.stderr.decode().startswith("wrong.nat:1:12: error[NAT202]")


def test_what_iptables_cannot_say_becomes_of_no_packet(folder: Path) -> None:
    (folder / "t.nat").write_text("snat out eth0 -> { 203.0.113.1, 203.0.113.9 }\n")
    done = failed(folder, "--packet", "icmp 1.1.1.1 > 2.2.2.2 in eth1 out eth0", rules="t.nat")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"NAT210" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--packet", INWARD, "--own", "203.0.113.2"),
        ("--packet", INWARD, "--family", "4"),
        ("--packet", INWARD, "--from", "nft"),
        ("--packet", INWARD, "--from", "iptables-save", "--own", "eth0"),
        ("--packets", "nothing"),
    ],
)
def test_wrong_usage_ends_with_2(words: tuple[str, ...], folder: Path) -> None:
    (folder / "nothing").write_text("# nothing\n")
    assert failed(folder, *words).returncode == 2


def test_what_cannot_be_read_ends_with_3(folder: Path) -> None:
    assert failed(folder, "--packet", INWARD, rules="nowhere").returncode == 3
    assert failed(folder, "--packets", "nowhere").returncode == 3
