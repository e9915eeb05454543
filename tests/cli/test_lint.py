"""`natc lint`: what is found, in each form, and how it ends."""

import json
import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import jsonschema
import pytest

from natc.cli.errors import Unable
from natc.cli.lint_files import Files, Reading
from natc.targets.iptables import lift
from tests.cli.program import POLICY, ROOT, environment, natc

GOOD = POLICY
BAD = """\
zone lan { interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }
address spare = 192.168.3.99
dnat tcp/80 -> 192.168.3.10 as web
"""
DUMP = """\
*nat
:PREROUTING ACCEPT [0:0]
:OLD - [0:0]
-A PREROUTING -i eth0 -d 203.0.113.2 -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.168.3.10
COMMIT
"""
WRONG = "masquerade in eth0\nsnat from nowhere out eth0 -> 203.0.113.2\n"
ONLY = ("--select", "NAT405,unused-definition")
"""The rules of these tests, whatever else natc learns to find."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    texts = {"good.nat": GOOD, "bad.nat": BAD, "dump.v4": DUMP, "wrong.nat": WRONG}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def concise(folder: Path, *words: str, code: int = 1) -> list[str]:
    """Return the first part of each finding's line."""
    done = natc("lint", "--format", "concise", *words, cwd=folder)
    assert done.returncode == code, done.stderr.decode()
    return [line.split("]: ")[0] + "]" for line in done.stdout.decode().splitlines()]


# What is linted.


def test_nothing_to_say(folder: Path) -> None:
    done = natc("lint", *ONLY, "good.nat", cwd=folder)
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr.decode() == "no findings in good.nat\n"


def test_findings_are_the_result_and_their_number_is_not(folder: Path) -> None:
    done = natc("lint", *ONLY, "bad.nat", cwd=folder)
    assert done.returncode == 1
    said = done.stdout.decode()
    assert "error[NAT405]: a destination rule takes packets to any address" in said
    assert "warning[NAT002]: nothing uses the address `spare`\n  --> bad.nat:2:9" in said
    assert done.stderr.decode() == "1 error, 1 warning in bad.nat; `--fix` repairs 1\n"


def test_rules_that_exist_are_linted_too(folder: Path) -> None:
    found = ["dump.v4:3:2: warning[NAT002]"]
    assert concise(folder, *ONLY, "dump.v4") == found
    assert concise(folder, *ONLY, "--from", "iptables-save", "--family", "4", "dump.v4") == found


def test_all_files_are_linted_whatever_is_wrong_with_one(folder: Path) -> None:
    assert concise(folder, *ONLY, "wrong.nat", "good.nat", "bad.nat", "dump.v4") == [
        "bad.nat:2:9: warning[NAT002]",
        "bad.nat:3:1: error[NAT405]",
        "dump.v4:3:2: warning[NAT002]",
        "wrong.nat:1:12: error[NAT202]",
        "wrong.nat:2:11: error[NAT001]",
    ]


def test_a_file_that_cannot_be_read_is_said_and_the_others_are_linted(folder: Path) -> None:
    done = natc("lint", *ONLY, "gone.nat", "bad.nat", cwd=folder)
    assert done.returncode == 3
    assert b"NAT405" in done.stdout
    lines = done.stderr.decode().splitlines()
    assert lines[0] == "natc: cannot read gone.nat: No such file or directory"


def test_a_finding_in_a_shared_include_is_told_once(folder: Path) -> None:
    (folder / "shared.nat").write_text("snat out eth0 -> { 10.0.0.1, 10.0.0.9 }\n")
    for name in ("one.nat", "two.nat"):
        (folder / name).write_text('include "shared.nat"\n')
    found = ["shared.nat:1:1: error[NAT210]"]
    assert concise(folder, "--select", "NAT210", "one.nat", "two.nat") == found


def test_a_file_that_another_one_includes_is_not_looked_at_alone(folder: Path) -> None:
    (folder / "names.nat").write_text("address web = 192.168.3.10\n")
    (folder / "top.nat").write_text('include "names.nat"\ndnat tcp/80 in eth0 -> web\n')
    (folder / "link.nat").symlink_to("names.nat")
    given = "top.nat", "names.nat", "./names.nat", "link.nat"
    assert concise(folder, *given, code=0) == []
    assert len(concise(folder, "names.nat", "link.nat")) == 2  # NAT016


def test_a_pipe_is_read_once(folder: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, BAD.encode())
    os.close(writing)
    pipe = f"/proc/{os.getpid()}/fd/{reading}"
    found = concise(folder, *ONLY, "bad.nat", pipe)
    os.close(reading)
    assert sum(line.startswith(pipe) for line in found) == len(found) / 2 > 0


def test_of_files_in_a_circle_each_is_looked_at(folder: Path) -> None:
    for name, other in (("one", "two"), ("two", "one")):
        (folder / f"{name}.nat").write_text(f'include "{other}.nat"\n')
    found = concise(folder, "one.nat", "two.nat")
    assert len(found) == 2
    assert all("NAT004" in line for line in found)


def test_standard_input_has_a_name(folder: Path) -> None:
    words = ("lint", *ONLY, "-", "--format", "concise", "--stdin-filename", "q.nat")
    done = natc(*words, cwd=folder, stdin=BAD.encode())
    assert done.stdout.startswith(b"q.nat:2:9: warning[NAT002]")
    done = natc("lint", *ONLY, "-", "--format", "concise", cwd=folder, stdin=DUMP.encode())
    assert done.stdout.startswith(b"<stdin>:3:2: warning[NAT002]")


def test_settings_and_nodes_hold(folder: Path) -> None:
    text = 'address to = 203.0.113.9\nnode "a" { address to = 203.0.113.300 }\n'
    text += "snat out eth0 -> to\n"
    text = text.replace("to ", "there ").replace(" to\n", " there\n")
    (folder / "n.nat").write_text(text)
    assert concise(folder, *ONLY, "n.nat", "--node", "b", code=0) == []
    assert concise(folder, *ONLY, "n.nat", "--node", "a") == ["n.nat:2:28: error[NAT206]"]
    assert concise(folder, *ONLY, "n.nat", "--set", "there=fd00::/200")[0].startswith("--set:1:")


def test_what_iptables_cannot_say_is_a_finding(folder: Path) -> None:
    (folder / "u.nat").write_text("snat out eth0 -> { 203.0.113.1, 203.0.113.9 }\n")
    assert concise(folder, "--select", "NAT210", "u.nat") == ["u.nat:1:1: error[NAT210]"]


def test_tests_and_assertions_of_the_policy_are_held(folder: Path) -> None:
    (folder / "t.nat").write_text(
        GOOD
        + 'test "x" { tcp 198.51.100.7:1 > 203.0.113.2:80 in wan; expect unchanged }\n'
        + "assert never in wan : translated destination\n"
    )
    found = concise(folder, "--select", "NAT11", "t.nat")
    assert [line.split()[-1] for line in found] == ["error[NAT114]", "error[NAT113]"]


def test_chains_that_cannot_be_followed_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lift, "MOST_RULES", 5)
    jumps = "".join(f"-A PREROUTING -s 10.0.0.{n} -j OLD\n" for n in range(9))
    (folder / "deep.v4").write_text(DUMP.replace("COMMIT\n", f"{jumps}-A OLD -j ACCEPT\nCOMMIT\n"))
    reading = Reading("auto", None, None, {}, None, date(2026, 1, 1))
    with pytest.raises(Unable, match="jump to chains too often to follow"):
        Files(str(folder / "deep.v4"), reading).subject()


# Which rules.


def test_a_beginning_of_a_code_selects_a_family(folder: Path) -> None:
    assert concise(folder, "--select", "NAT40", "bad.nat") == ["bad.nat:3:1: error[NAT405]"]


def test_ignoring_wins_over_selecting(folder: Path) -> None:
    words = (*ONLY, "--ignore", "unscoped-dnat")
    assert concise(folder, *words, "bad.nat") == ["bad.nat:2:9: warning[NAT002]"]


def test_options_may_be_repeated(folder: Path) -> None:
    words = ("--select", "NAT405", "--select", "NAT002", "--ignore", "NAT405, NAT002")
    assert concise(folder, *words, "bad.nat", code=0) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--select", "NAT002,Nat405x"), "no rule is called `Nat405x`; did you mean `NAT405`?"),
        (("--ignore", "unscoped-dna"), "did you mean `unscoped-dnat`?"),
        (("--select", "NAT999"), "no rule is called `NAT999`; `natc rules` lists them"),
        (("--select", "nat405"), "no rule is called `nat405`; did you mean `NAT405`?"),
        (("--ignore", "NAT001"), "`NAT001` is an error of the compiler, which cannot be ignored"),
        (("--select", "NAT801"), "natc does not look for `NAT801` yet"),
        (("--select", "NAT511"), "`natc doctor` looks for `NAT511`, `natc lint` does not"),
        (("--unsafe-fixes",), "--unsafe-fixes goes with --fix or --diff"),
        (("--fix", "-"), "give it alone"),
        (("--fail-on", "info"), "'info' is not one of"),
    ],
)
def test_wrong_usage_names_what_could_be_meant(
    words: tuple[str, ...], said: str, folder: Path
) -> None:
    done = natc("lint", *words, "bad.nat", cwd=folder)
    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr.decode()


# What fails.


@pytest.mark.parametrize(
    ("select", "level", "code"),
    [
        ("NAT002", None, 1),
        ("NAT002", "warning", 1),
        ("NAT002", "note", 1),
        ("NAT002", "error", 0),
        ("NAT405", "error", 1),
        ("NAT405", "never", 0),
    ],
)
def test_fail_on(select: str, level: str | None, code: int, folder: Path) -> None:
    words = ("--select", select, *(("--fail-on", level) if level else ()))
    assert len(concise(folder, *words, "bad.nat", code=code)) == 1


def test_errors_of_the_compiler_are_errors_like_others(folder: Path) -> None:
    assert len(concise(folder, "wrong.nat", "--fail-on", "error")) == 2
    assert len(concise(folder, "wrong.nat", "--fail-on", "never", code=0)) == 2


# Allowances.


def test_an_allowance_silences_until_its_last_day(folder: Path) -> None:
    rules = ("--select", "NAT405,NAT010")
    for until, found in (("until 2999-01-01 ", []), ("until 2020-01-01 ", ["NAT405", "NAT010"])):
        text = f'{BAD}allow unscoped-dnat on web {until}because "it is alone here"\n'
        (folder / "a.nat").write_text(text)
        said = concise(folder, *rules, "a.nat", code=1 if found else 0)
        assert [line[-7:-1] for line in said] == found


# Forms.

SCHEMA = json.loads((ROOT / "tests" / "vendored" / "sarif-2.1.0-rtm.5.json").read_text())


def sarif(folder: Path, *words: str) -> dict:
    done = natc("lint", "--format", "sarif", *words, cwd=folder)
    log = json.loads(done.stdout)
    jsonschema.Draft4Validator(SCHEMA).validate(log)
    (run,) = log["runs"]
    return run


def test_sarif_is_valid_and_explains_its_rules(folder: Path) -> None:
    run = sarif(folder, *ONLY, "bad.nat", "wrong.nat", "dump.v4", "good.nat")
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["NAT001", "NAT002", "NAT202", "NAT405"]
    unused = rules[1]
    assert unused["defaultConfiguration"] == {"level": "warning"}
    assert unused["shortDescription"]["text"].startswith("nothing uses")
    assert "## Why it matters" in unused["help"]["markdown"]
    assert "WHY IT MATTERS" in unused["help"]["text"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


def test_sarif_carries_repairs(folder: Path) -> None:
    run = sarif(folder, *ONLY, "bad.nat")
    (fix,) = run["results"][0]["fixes"]
    (change,) = fix["artifactChanges"]
    assert change["artifactLocation"] == {"uri": "bad.nat"}
    assert change["replacements"] == [
        {
            "deletedRegion": {"startLine": 2, "startColumn": 1, "endLine": 3, "endColumn": 1},
            "insertedContent": {"text": ""},
        }
    ]


def test_sarif_is_valid_without_findings(folder: Path) -> None:
    assert sarif(folder, *ONLY, "good.nat")["results"] == []


def test_a_fingerprint_stays_when_lines_come_above(folder: Path) -> None:
    before = sarif(folder, *ONLY, "bad.nat")["results"]
    (folder / "bad.nat").write_text(f"# Another line.\n\n{BAD}")
    after = sarif(folder, *ONLY, "bad.nat")["results"]
    assert [r["partialFingerprints"] for r in before] == [r["partialFingerprints"] for r in after]
    (folder / "bad.nat").write_text("snat out eth0 -> { 10.0.0.1, 10.0.0.9 }\n" * 3)
    alike = sarif(folder, "--select", "NAT210", "bad.nat")["results"]
    assert len({result["partialFingerprints"]["finding/v1"] for result in alike}) == 3


def test_json_has_fixes_and_what_is_not_decided(folder: Path) -> None:
    done = natc("lint", "--format", "json", *ONLY, "bad.nat", cwd=folder)
    assert (done.returncode, done.stderr) == (1, b"")
    said = json.loads(done.stdout)
    assert (said["version"], said["undecided"]) == (1, [])
    unused, unscoped = said["diagnostics"]
    assert unscoped["fix"] is None
    assert unused["fix"]["title"] == "delete `spare`"
    assert unused["fix"]["safe"] is True
    (edit,) = unused["fix"]["edits"]
    assert BAD[edit["start"] : edit["end"]] == "address spare = 192.168.3.99\n"
    assert (edit["file"], edit["text"]) == ("bad.nat", "")


def test_json_and_sarif_are_printed_without_findings_too(folder: Path) -> None:
    done = natc("lint", "--format", "json", *ONLY, "good.nat", cwd=folder)
    assert json.loads(done.stdout)["diagnostics"] == []
    for form in ("concise", "github"):
        assert natc("lint", "--format", form, *ONLY, "good.nat", cwd=folder).stdout == b""


def test_github_annotates(folder: Path) -> None:
    done = natc("lint", "--format", "github", *ONLY, "bad.nat", cwd=folder)
    lines = done.stdout.decode().splitlines()
    assert lines[0].startswith("::warning file=bad.nat,line=2,endLine=2,col=9,title=NAT002")
    assert lines[1].startswith("::error file=bad.nat,line=3,")


def test_every_finding_is_printed_as_text(folder: Path) -> None:
    (folder / "many.nat").write_text("snat out eth0 -> { 10.0.0.1, 10.0.0.9 }\n" * 50)
    done = natc("lint", "--select", "NAT210", "many.nat", cwd=folder)
    assert done.stdout.decode().count("error[NAT210]") == 50


def test_colour_is_for_terminals_and_for_those_who_ask(folder: Path) -> None:
    assert b"\x1b[" not in natc("lint", *ONLY, "bad.nat", cwd=folder).stdout
    assert b"\x1b[" in natc("lint", *ONLY, "bad.nat", "--color", "always", cwd=folder).stdout


def test_the_same_bytes_every_time(folder: Path) -> None:
    outputs = {
        natc("lint", "bad.nat", "dump.v4", cwd=folder, env=environment(PYTHONHASHSEED=seed)).stdout
        for seed in ("0", "1", "2")
    }
    assert len(outputs) == 1


def test_ctrl_c_ends_in_silence(folder: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "natc", "lint", "-"],
        cwd=folder,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdin is not None
    os.write(running.stdin.fileno(), b"snat out eth0 -> 203.0.113.2\n" * 4000)  # It reads now.
    running.send_signal(signal.SIGINT)
    said, complained = running.communicate(timeout=20)
    assert (running.returncode, said, complained.strip()) == (130, b"", b"")
