"""`natc compile`: what it writes, where, and in which words it refuses."""

import json
import re
import stat
from pathlib import Path

import pytest

from tests.cli.program import POLICY, natc

BOTH = """\
zone wan { interface eth0; address { 203.0.113.2, 2001:db8::2 } }

masquerade out eth0 as four
masquerade ipv6 out eth0 as six
"""
WRONG = """\
masquerade in eth1 out eth0
snat from 192.168.3.5/24 out eth0 -> 203.0.113.2
"""
NODES = """\
address pool = 203.0.113.16
node "gw-lab" { address pool = 203.0.113.40 }
snat out eth0 -> pool
"""
RULES = [
    (
        "-A NATC-PRE -d 203.0.113.2 -i eth0 -p tcp -m tcp --dport 80"
        ' -m comment --comment "p.nat:4 web" -j DNAT --to-destination 192.168.3.10:8080'
    ),
    '-A NATC-POST -s 192.168.3.0/24 -o eth0 -m comment --comment "p.nat:5 share" -j MASQUERADE',
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"p": POLICY, "both": BOTH, "wrong": WRONG, "nodes": NODES}.items():
        (tmp_path / f"{name}.nat").write_text(text, encoding="utf-8")
    return tmp_path


def output(*words: str, cwd: Path, stdin: bytes = b"") -> str:
    done = natc("compile", *words, cwd=cwd, stdin=stdin)
    assert done.stderr.decode() == ""
    assert done.returncode == 0
    return done.stdout.decode()


def refusal(*words: str, cwd: Path, code: int) -> str:
    done = natc("compile", *words, cwd=cwd)
    assert done.returncode == code
    assert done.stdout == b""
    said = done.stderr.decode()
    assert "Traceback" not in said
    assert "bug in natc" not in said
    return said


# Text.


def test_the_rules_go_to_standard_output_as_one_whole_table(folder: Path) -> None:
    lines = output("p.nat", cwd=folder).splitlines()
    assert re.fullmatch(r"# natc \S+, p\.nat: IPv4, for iptables-restore --noflush", lines[0])
    assert lines[1:] == [
        "*nat",
        ":NATC-PRE - [0:0]",
        ":NATC-IN - [0:0]",
        ":NATC-OUT - [0:0]",
        ":NATC-POST - [0:0]",
        "-I PREROUTING 1 -m comment --comment natc -j NATC-PRE",
        "-I INPUT 1 -m comment --comment natc -j NATC-IN",
        "-I OUTPUT 1 -m comment --comment natc -j NATC-OUT",
        "-I POSTROUTING 1 -m comment --comment natc -j NATC-POST",
        *RULES,
        "COMMIT",
    ]


def test_standalone_is_the_whole_table(folder: Path) -> None:
    lines = output("p.nat", "--standalone", cwd=folder).splitlines()
    assert "noflush" not in lines[0]
    assert lines[1:6] == [
        "*nat",
        ":PREROUTING ACCEPT [0:0]",
        ":INPUT ACCEPT [0:0]",
        ":OUTPUT ACCEPT [0:0]",
        ":POSTROUTING ACCEPT [0:0]",
    ]
    assert "-A PREROUTING -m comment --comment natc -j NATC-PRE" in lines
    assert [line for line in lines if line.startswith("-A NATC")] == RULES
    assert not any(line.startswith(("-I", "-D")) for line in lines)


def test_the_script_holds_the_rules_and_says_where_they_are_from(folder: Path) -> None:
    text = output("p.nat", "--script", cwd=folder)
    assert text.startswith("#!/bin/sh\n# p.nat\n")
    assert all(rule in text for rule in RULES)
    assert "# IPv6: nothing to translate" in text


def test_comments_name_the_file_from_the_folder_of_the_policy(folder: Path) -> None:
    (folder / "lib").mkdir()
    (folder / "lib" / "more.nat").write_text("masquerade out eth7\n", encoding="utf-8")
    (folder / "main.nat").write_text('include "lib/more.nat"\n' + POLICY, encoding="utf-8")
    for words, cwd in ((("main.nat",), folder), ((f"{folder.name}/main.nat",), folder.parent)):
        text = output(*words, cwd=cwd)
        assert '--comment "lib/more.nat:1 masquerade-1"' in text
        assert '--comment "main.nat:5 web"' in text


# Families.


def test_a_policy_of_two_families_needs_a_choice(folder: Path) -> None:
    said = refusal("both.nat", cwd=folder, code=2)
    for way in ("--family", "-o DIR", "--script"):
        assert way in said


@pytest.mark.parametrize(("family", "name"), [("4", "four"), ("6", "six")])
def test_family_chooses_one(family: str, name: str, folder: Path) -> None:
    text = output("both.nat", "--family", family, cwd=folder)
    assert f"IPv{family}, for ip{'6' * (family == '6')}tables-restore --noflush" in text
    assert [line.split('"')[1] for line in text.splitlines() if line.startswith("-A NATC")] == [
        f"both.nat:{3 if family == '4' else 4} {name}"
    ]


def test_a_family_without_rules_is_wrong_usage(folder: Path) -> None:
    assert "no rules for IPv6" in refusal("p.nat", "--family", "6", cwd=folder, code=2)


def test_the_script_holds_both_families(folder: Path) -> None:
    text = output("both.nat", "--script", cwd=folder)
    assert "both.nat:3 four" in text
    assert "both.nat:4 six" in text
    assert "nothing to translate" not in text


# Where it goes.


def test_o_writes_a_file_and_says_nothing(folder: Path) -> None:
    assert output("p.nat", "-o", "out.rules", cwd=folder) == ""
    assert (folder / "out.rules").read_text() == output("p.nat", cwd=folder)


def test_o_dash_is_standard_output(folder: Path) -> None:
    assert output("p.nat", "-o", "-", cwd=folder) == output("p.nat", cwd=folder)


def test_o_with_a_folder_writes_a_file_for_each_family(folder: Path) -> None:
    (folder / "there").mkdir()
    texts = [output("both.nat", "--family", family, cwd=folder) for family in "46"]
    for name in ("there", "new/", "new/er/"):
        assert output("both.nat", "-o", name, cwd=folder) == ""
        written = sorted(path.name for path in (folder / name).iterdir() if path.is_file())
        assert written == ["rules.v4", "rules.v6"]
        assert [(folder / name / file).read_text() for file in written] == texts


def test_o_with_a_folder_writes_only_what_the_policy_needs(folder: Path) -> None:
    output("p.nat", "-o", "one/", cwd=folder)
    assert [path.name for path in (folder / "one").iterdir()] == ["rules.v4"]


def test_a_script_in_a_file_may_be_run(folder: Path) -> None:
    output("p.nat", "--script", "-o", "boot.sh", cwd=folder)
    assert (folder / "boot.sh").stat().st_mode & stat.S_IXUSR
    output("p.nat", "-o", "plain.rules", cwd=folder)
    assert not (folder / "plain.rules").stat().st_mode & stat.S_IXUSR


def test_a_file_that_is_there_keeps_its_mode(folder: Path) -> None:
    (folder / "out.rules").write_text("old")
    (folder / "out.rules").chmod(0o600)
    output("p.nat", "-o", "out.rules", cwd=folder)
    assert stat.S_IMODE((folder / "out.rules").stat().st_mode) == 0o600


def test_nothing_is_left_beside_the_output(folder: Path) -> None:
    before = {path.name for path in folder.iterdir()}
    output("p.nat", "-o", "out.rules", cwd=folder)
    refusal("wrong.nat", "-o", "out.rules", cwd=folder, code=1)
    assert {path.name for path in folder.iterdir()} == before | {"out.rules"}


# Whose policy.


@pytest.mark.parametrize(
    ("words", "address"),
    [
        (("--node", "gw-lab"), "203.0.113.40"),
        (("--node", "other"), "203.0.113.16"),
        (("--set", "pool=203.0.113.77"), "203.0.113.77"),
        (("--node", "gw-lab", "--set", "pool=203.0.113.77"), "203.0.113.77"),
        (("--set", "pool = 203.0.113.78"), "203.0.113.78"),
        (("--set", "pool=203.0.113.1", "--set", "pool=203.0.113.79"), "203.0.113.79"),
    ],
    ids=" ".join,
)
def test_node_and_set_choose_the_value(words: tuple[str, ...], address: str, folder: Path) -> None:
    assert f"--to-source {address}\n" in output("nodes.nat", *words, cwd=folder)


@pytest.mark.parametrize("setting", ["pool", "=203.0.113.1"])
def test_a_setting_needs_a_name_and_a_value(setting: str, folder: Path) -> None:
    assert "NAME=VALUE" in refusal("nodes.nat", "--set", setting, cwd=folder, code=2)


def test_an_unknown_setting_is_a_finding(folder: Path) -> None:
    said = refusal("nodes.nat", "--set", "pol=10.0.0.1", "--format", "concise", cwd=folder, code=1)
    assert said == "--set:1:1: error[NAT001]: `--set pol`, but the policy defines no `pol`\n"


# Standard input.


def test_a_dash_reads_standard_input(folder: Path) -> None:
    text = output("-", cwd=folder, stdin=POLICY.encode())
    assert "<stdin>: IPv4" in text
    assert '--comment "<stdin>:4 web"' in text


def test_stdin_filename_names_it(folder: Path) -> None:
    text = output("-", "--stdin-filename", "p.nat", cwd=folder, stdin=POLICY.encode())
    assert text == output("p.nat", cwd=folder)
    done = natc(
        "compile", "-", "--stdin-filename", "w.nat", "--format", "concise", stdin=WRONG.encode()
    )
    assert done.stderr.decode().startswith("w.nat:1:12: error[NAT202]: ")


# Formats of problems.


def test_text_is_for_people(folder: Path) -> None:
    assert refusal("wrong.nat", cwd=folder, code=1).splitlines()[-6:] == [
        "  --> wrong.nat:2:11",
        "   |",
        " 2 | snat from 192.168.3.5/24 out eth0 -> 203.0.113.2",
        "   |           ^^^^^^^^^^^^^^",
        "   |",
        "   = help: write `192.168.3.0/24` for the network, or `192.168.3.5` for the host",
    ]


def test_concise_is_one_line_each(folder: Path) -> None:
    assert refusal("wrong.nat", "--format", "concise", cwd=folder, code=1).splitlines() == [
        "wrong.nat:1:12: error[NAT202]: `in` has no meaning in `masquerade`",
        "wrong.nat:2:11: error[NAT009]: the address has bits set beyond its prefix length",
    ]


def test_json_has_a_version_lines_and_offsets(folder: Path) -> None:
    said = json.loads(refusal("wrong.nat", "--format", "json", cwd=folder, code=1))
    assert said["version"] == 1
    first, second = said["diagnostics"]
    assert (first["code"], first["name"]) == ("NAT202", "interface-direction")
    assert second["primary"]["file"] == "wrong.nat"
    where = {key: value for key, value in second["primary"].items() if type(value) is int}
    assert where == {
        "line": 2,
        "column": 11,
        "end_line": 2,
        "end_column": 25,
        "start": WRONG.index("192"),
        "end": WRONG.index("192") + len("192.168.3.5/24"),
    }
    assert second["help"].startswith("write `192.168.3.0/24`")


def test_sarif_is_what_code_scanning_reads(folder: Path) -> None:
    said = json.loads(refusal("wrong.nat", "--format", "sarif", cwd=folder, code=1))
    assert said["version"] == "2.1.0"
    (run,) = said["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["NAT009", "NAT202"]
    assert [(result["ruleId"], result["level"]) for result in run["results"]] == [
        ("NAT202", "error"),
        ("NAT009", "error"),
    ]
    location = run["results"][1]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "wrong.nat"
    assert location["region"] == {
        "startLine": 2, "startColumn": 11, "endLine": 2, "endColumn": 25
    }  # fmt: skip


def test_github_makes_annotations(folder: Path) -> None:
    lines = refusal("wrong.nat", "--format", "github", cwd=folder, code=1).splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(
        "::error file=wrong.nat,line=2,endLine=2,col=11,title=NAT009 host-bits-set::the address "
    )
    assert "%0Ahelp: write `192.168.3.0/24`" in lines[1]


def test_problems_of_the_target_are_located_too(folder: Path) -> None:
    (folder / "t.nat").write_text("snat out eth0 -> { 203.0.113.1, 203.0.113.9 }\n")
    said = refusal("t.nat", "--format", "concise", cwd=folder, code=1)
    assert said.startswith("t.nat:1:1: error[NAT210]: ")


# Wrong usage.


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("p.nat", "--script", "--standalone"),
        ("p.nat", "--script", "-o", "folder/"),
        ("p.nat", "--family", "5"),
        ("p.nat", "--no-such-option"),
        ("p.nat", "both.nat"),
        ("p.nat", "--format", "xml"),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(words: tuple[str, ...], folder: Path) -> None:
    before = sorted(folder.iterdir())
    assert "Usage: natc compile" in refusal(*words, cwd=folder, code=2)
    assert sorted(folder.iterdir()) == before


def test_a_mark_that_is_listed_twice_is_one_rule() -> None:
    done = natc("compile", "-", stdin=b"masquerade mark { 0x1, 0x1, 0x1/0x3 } out eth0\n")
    marks = re.findall(r"-A NATC-POST.*?-m mark (.*?) -m comment", done.stdout.decode())
    assert marks == ["--mark 0x1", "--mark 0x1/0x3 -m mark ! --mark 0x1"]


@pytest.mark.parametrize("words", [("compile",), ("fmt",), ("test",), ("lint", "--from", "policy")])
def test_a_dump_in_place_of_a_policy_is_one_error(words: tuple[str, ...], folder: Path) -> None:
    rules = "-A POSTROUTING -o eth0 -j MASQUERADE\n" * 40
    (folder / "rules").write_text(f"# Generated\n\n*nat\n{rules}COMMIT\n")
    done = natc(*words, "rules", cwd=folder)
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 1
    assert said.count("error[") == 1
    assert "error[NAT000]: these are rules as iptables-save prints them" in said
    assert "`natc import FILE` makes a policy of them" in said
