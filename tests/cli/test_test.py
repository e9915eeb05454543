"""`natc test`: the model's verdict, in each form."""

import json
from pathlib import Path

import pytest

from tests.cli.program import ROOT, natc

TESTED = """\
zone wan { interface eth0; address 203.0.113.2; subnet 203.0.113.0/24 }
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }

port-forward tcp/80 on wan -> 192.168.3.10:8080 as web
masquerade from lan out wan as share

test "the world reaches web" {
    tcp 198.51.100.7:4000 > 203.0.113.2:80 in wan
    expect to 192.168.3.10:8080
    tcp 198.51.100.7:4000 > 203.0.113.2:81 in wan
    expect unchanged
}
test "the lan shares the address" {
    icmp 192.168.3.9 > 203.0.113.9 in lan
    expect from 203.0.113.2
}
"""
FAILING = TESTED.replace("expect from 203.0.113.2", "expect unchanged")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.nat").write_text(TESTED, encoding="utf-8")
    (tmp_path / "f.nat").write_text(FAILING, encoding="utf-8")
    (tmp_path / "none.nat").write_text("masquerade out eth0\n", encoding="utf-8")
    (tmp_path / "wrong.nat").write_text("masquerade in eth0\n", encoding="utf-8")
    return tmp_path


def test_tests_that_pass(folder: Path) -> None:
    done = natc("test", "p.nat", cwd=folder)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines() == [
        "p.nat",
        "  the world reaches web        model ok",
        "  the lan shares the address   model ok",
        "2 tests pass",
    ]


def test_a_test_that_fails_shows_what_happened_instead(folder: Path) -> None:
    done = natc("test", "f.nat", cwd=folder)
    assert (done.returncode, done.stderr) == (1, b"")
    lines = done.stdout.decode().splitlines()
    assert lines[:4] == [
        "f.nat",
        "  the world reaches web        model ok",
        "  the lan shares the address   model FAIL",
        "1 of 2 tests fail",
    ]
    said = "\n".join(lines[4:])
    assert "error[NAT114]: the test `the lan shares the address` fails in natc's model" in said
    assert "--> f.nat:15:12" in said
    assert "from 203.0.113.2" in said
    assert "witness: icmp 192.168.3.9 > 203.0.113.9 in eth1" in said


def test_a_test_that_fails_shows_which_rule_decided(folder: Path) -> None:
    said = natc("test", "f.nat", cwd=folder).stdout.decode()
    assert "masquerade from lan out wan as share" in said
    assert "------------------------------------ decides it" in said
    assert "no rule decides it" not in said


def test_a_test_that_fails_says_that_no_rule_decided(folder: Path) -> None:
    (folder / "f.nat").write_text(TESTED.replace("expect unchanged", "expect to 192.168.3.10:80"))
    said = natc("test", "f.nat", cwd=folder).stdout.decode()
    assert "= note: no rule decides it" in said
    assert "-- decides it" not in said


def test_packets_shows_each_packet_and_who_decided(folder: Path) -> None:
    done = natc("test", "p.nat", "--packets", cwd=folder)
    assert done.returncode == 0
    lines = [" ".join(line.split()) for line in done.stdout.decode().splitlines() if line]
    assert lines == [
        "packet -> what becomes of it, the policy line that decides, as seen by model",
        "p.nat",
        "the world reaches web",
        "eth0: tcp 198.51.100.7:4000 > 203.0.113.2:80 -> to 192.168.3.10:8080 line 4 ok",
        "eth0: tcp 198.51.100.7:4000 > 203.0.113.2:81 -> unchanged no rule ok",
        "the lan shares the address",
        "eth1: icmp 192.168.3.9 > 203.0.113.9 -> from 203.0.113.2 line 5 ok",
        "2 tests pass",
    ]


def test_json_holds_every_packet(folder: Path) -> None:
    done = natc("test", "f.nat", "--format", "json", cwd=folder)
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert said["version"] == 1
    assert [(t["name"], t["line"], t["engine"], t["passed"]) for t in said["tests"]] == [
        ("the world reaches web", 8, "model", True),
        ("the world reaches web", 10, "model", True),
        ("the lan shares the address", 14, "model", False),
    ]
    assert said["tests"][0]["problem"] is None
    assert said["tests"][2]["problem"] == "from 203.0.113.2"
    assert said["tests"][2]["file"] == "f.nat"


@pytest.mark.parametrize("form", ["concise", "github", "sarif"])
def test_other_formats_hold_the_failures_alone(form: str, folder: Path) -> None:
    done = natc("test", "p.nat", "--format", form, cwd=folder)
    assert (done.returncode, done.stdout) == (0, b"")
    failed = natc("test", "f.nat", "--format", form, cwd=folder)
    assert failed.returncode == 1
    assert failed.stdout.count(b"NAT114") == (2 if form == "sarif" else 1)


def test_several_policies(folder: Path) -> None:
    done = natc("test", "p.nat", "f.nat", cwd=folder)
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 1
    assert lines[0] == "p.nat"
    assert "f.nat" in lines
    assert "1 of 4 tests fail" in lines


def test_a_policy_without_tests_passes(folder: Path) -> None:
    done = natc("test", "none.nat", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"no tests\n", b"")


def test_an_invalid_policy_is_a_finding(folder: Path) -> None:
    done = natc("test", "wrong.nat", "--format", "concise", cwd=folder)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"wrong.nat:1:12: error[NAT202]" in done.stderr


def test_what_the_target_cannot_say_is_a_finding(folder: Path) -> None:
    (folder / "t.nat").write_text("snat out eth0 -> { 203.0.113.1, 203.0.113.9 }\n")
    done = natc("test", "t.nat", cwd=folder)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"NAT210" in done.stderr


def test_a_missing_policy_ends_with_3(folder: Path) -> None:
    done = natc("test", "p.nat", "nowhere.nat", cwd=folder)
    assert done.returncode == 3
    assert b"nowhere.nat" in done.stderr


def test_standard_input_has_a_name(folder: Path) -> None:
    done = natc("test", "-", "--stdin-filename", "q.nat", cwd=folder, stdin=TESTED.encode())
    assert done.returncode == 0
    assert done.stdout.startswith(b"q.nat\n")


def test_set_holds_for_tests() -> None:
    text = """\
address a = 203.0.113.1
snat out eth0 -> a
test "x" { icmp 10.0.0.1 > 10.0.0.2 in eth1 out eth0; expect from 203.0.113.9 }
"""
    assert natc("test", "-", stdin=text.encode()).returncode == 1
    assert natc("test", "-", "--set", "a=203.0.113.9", stdin=text.encode()).returncode == 0


def test_every_policy_of_this_project_passes_its_tests() -> None:
    policies = sorted((ROOT / "policies").glob("*.nat"))
    done = natc("test", "--node", "golden", *policies)
    assert done.stderr.decode() == ""
    assert done.returncode == 0, done.stdout.decode()[-2000:]
    assert done.stdout.decode().endswith("26 assertions kept\n")


PROMISING = (
    TESTED
    + """
port-forward tcp/81 to 203.0.113.77 in wan -> 192.168.3.10:8081 as stray

assert all from lan out wan : translated source
assert never in wan from not lan to not 203.0.113.2 : translated destination
"""
)


def test_assertions_are_decided_for_all_packets(folder: Path) -> None:
    (folder / "a.nat").write_text(PROMISING, encoding="utf-8")
    done = natc("test", "a.nat", cwd=folder)
    assert (done.returncode, done.stderr) == (1, b"")
    lines = done.stdout.decode().splitlines()
    assert lines[3:10] == [
        "2 tests pass",
        "",
        "a.nat",
        "  assert all from lan out wan : translated source                                kept",
        "  assert never in wan from not lan to not 203.0.113.2 : translated destination   BROKEN",
        "1 of 2 assertions broken",
        "",
    ]
    said = "\n".join(lines[10:])
    assert "error[NAT113]: a promise about all packets is broken" in said
    assert "--> a.nat:21:1" in said
    assert "natc's model: to 192.168.3.10:8081" in said
    assert "witness: tcp 198.51.100.7:40000 > 203.0.113.77:81 in eth0" in said


def test_on_means_in_an_assertion_what_it_means_in_a_destination_rule(folder: Path) -> None:
    (folder / "a.nat").write_text(
        "zone wan { interface eth0; address 203.0.113.2 }\n"
        "zone ppp { interface ppp+; address dynamic }\n"
        "port-forward tcp/80 on { wan, ppp } -> 192.168.3.10\n"
        "assert all tcp/80 on wan : to 192.168.3.10\n"
        "assert all tcp/80 on ppp : to 192.168.3.10\n"
        "assert all tcp/80 on { wan, ppp } : to 192.168.3.10\n"
        "assert all tcp/80 in wan : to 192.168.3.10\n"
        "assert never tcp/80 on ppp : to 192.168.3.10\n"
        "assert never ipv4 ipv6 out wan : translated source\n",
        encoding="utf-8",
    )
    lines = natc("test", "a.nat", cwd=folder).stdout.decode().splitlines()
    assert [line.split()[-1] for line in lines[3:9]] == [
        *("kept", "kept", "kept"),
        *("BROKEN", "BROKEN", "kept"),
    ]
    assert lines[9] == "2 of 6 assertions broken"


def test_an_assertion_does_not_forget_in_beside_on() -> None:
    text = "zone wan { interface eth0; address 203.0.113.2 }\nassert all on wan in eth1 : dropped\n"
    done = natc("test", "-", "--format", "concise", stdin=f"{text}masquerade out wan\n".encode())
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"<stdin>:2:19: error[NAT006]: no packet arrives on both" in done.stderr


def test_json_tells_of_each_assertion(folder: Path) -> None:
    (folder / "a.nat").write_text(PROMISING, encoding="utf-8")
    done = natc("test", "a.nat", "--format", "json", cwd=folder)
    kept, broken = json.loads(done.stdout)["assertions"]
    assert (kept["line"], kept["kept"], kept["packet"]) == (20, True, None)
    assert (broken["line"], broken["kept"]) == (21, False)
    assert broken["packet"] == "tcp 198.51.100.7:40000 > 203.0.113.77:81 in eth0"
    assert broken["became"] == "to 192.168.3.10:8081"


# In a real kernel.


@pytest.mark.kernel
def test_the_kernel_replays_what_breaks_an_assertion(folder: Path) -> None:
    (folder / "a.nat").write_text(PROMISING, encoding="utf-8")
    done = natc("test", "a.nat", "--kernel", "both", cwd=folder, seconds=60)
    said = done.stdout.decode()
    assert done.returncode == 1
    assert "= note: the nft kernel: to 192.168.3.10:8081" in said
    assert "= note: the legacy kernel: to 192.168.3.10:8081" in said


@pytest.mark.kernel
def test_both_kernels_agree_with_the_model(folder: Path) -> None:
    done = natc("test", "p.nat", "--kernel", "both", cwd=folder, seconds=60)
    assert done.stderr.decode() == ""
    assert done.returncode == 0
    assert done.stdout.decode().splitlines() == [
        "p.nat",
        "  the world reaches web        model ok   nft ok   legacy ok",
        "  the lan shares the address   model ok   nft ok   legacy ok",
        "2 tests pass",
    ]


@pytest.mark.kernel
def test_what_fails_alike_in_the_model_and_both_kernels_is_told_once(folder: Path) -> None:
    done = natc("test", "f.nat", "--kernel", "both", cwd=folder, seconds=60)
    said = done.stdout.decode()
    assert done.returncode == 1
    assert said.count("error[NAT114]") == 1
    assert "fails in natc's model, the nft kernel and the legacy kernel alike\n" in said
    assert "each: from 203.0.113.2\n" in said


@pytest.mark.kernel
def test_the_kernel_says_what_it_did_instead(folder: Path) -> None:
    done = natc("test", "f.nat", "--kernel", "nft", "--format", "json", cwd=folder, seconds=60)
    assert done.returncode == 1
    verdicts = json.loads(done.stdout)["tests"]
    assert [(v["engine"], v["passed"]) for v in verdicts if v["line"] == 14] == [
        ("model", False),
        ("nft", False),
    ]
    assert "203.0.113.2" in next(
        v["problem"] for v in verdicts if v["engine"] == "nft" and v["problem"]
    )


@pytest.mark.kernel
def test_a_policy_of_the_project_holds_in_both_kernels() -> None:
    done = natc("test", "policies/company.nat", "--kernel", cwd=ROOT, seconds=60)
    assert done.stderr.decode() == ""
    assert done.returncode == 0, done.stdout.decode()
