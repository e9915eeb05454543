"""Names and file names with quotes, line ends and worse never leave the argument they stand in."""

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from natc import pipeline
from natc.address import Family
from natc.diagnostics import Diagnostic, PolicyError, github, json, sarif, text
from natc.diagnostics.text import printable
from natc.source import Source
from natc.targets.iptables.model import Ruleset
from natc.targets.iptables.script import script
from natc.targets.iptables.write import write
from tests.cli.program import FLAVOURS, in_namespace, natc

FILE_NAMES = [
    'a" -j ACCEPT.nat',
    "a' -j ACCEPT.nat",
    'a\\" -j ACCEPT.nat',
    "a\\.nat",
    "a\\\\.nat",
    '"".nat',
    "a'; touch pwned; '.nat",
    "$(touch pwned).nat",
    "`touch pwned`.nat",
    "$HOME.nat",
    "a\nCOMMIT\n*filter\n-A INPUT -j DROP\nCOMMIT\n.nat",
    "a\r-j ACCEPT.nat",
    "a\x1b[31m\t.nat",
    "-j ACCEPT.nat",
    "{title}{0}%s%n.nat",
    "ü☃\u2028\u202e.nat",
    "x" * 200 + ".nat",
    "☃" * 80 + ".nat",
    b"\xff\xfe.nat".decode("utf-8", "surrogateescape"),
]

POLICY = """\
masquerade out eth0 as one
dnat tcp/80 in eth0 -> 10.0.0.1 as two
"""

STRANGE = """\
masquerade out "-j"
masquerade out "a'b"
masquerade out "$(reboot)"
masquerade out "`reboot`"
masquerade out "#"
masquerade out "%s"
masquerade out "-t"
masquerade out "--"
dnat tcp/80 in "-A" -> 10.0.0.1
dnat tcp/80 in "COMMIT" -> 10.0.0.1
"""


def arguments(rule: str) -> list[str]:
    """Split a rule the way iptables-restore does: double quotes, and backslashes inside and outside.

    Source: iptables 1.8.9, iptables/xshared.c, add_param_to_argv().
    """
    found: list[str] = []
    word, quoted, escaped, started = "", False, False, False
    for char in rule:
        if escaped:
            word, escaped = word + char, False
        elif quoted and char == "\\":
            escaped = True
        elif char == '"':
            quoted, started = not quoted, True
        elif char in " \t" and not quoted:
            if word or started:
                found.append(word)
            word, started = "", False
        else:
            word += char
    assert not quoted
    assert not escaped
    return [*found, word]


def rules(name: str, text: str) -> dict[Family, Ruleset]:
    """Return the rules of a policy in a file of this name."""

    def read(path: str) -> str:
        raise FileNotFoundError(2, path)

    return pipeline.rulesets(pipeline.understand(Source(name, text), read))


@pytest.mark.parametrize("name", FILE_NAMES, ids=range(len(FILE_NAMES)))
def test_a_file_name_stays_inside_its_comment(name: str) -> None:
    (ruleset,) = rules(name, POLICY).values()
    lines = write(ruleset).splitlines()
    assert all(line.isprintable() for line in lines)
    made = [arguments(line) for line in lines if line.startswith("-A")]
    assert [len(rule) for rule in made] == [18, 10]
    for rule in made:
        at = rule.index("--comment") + 1
        assert len(rule[at].encode()) <= 255
        del rule[at]
    assert made == [
        "-A NATC-PRE -i eth0 -p tcp -m tcp --dport 80 -m comment --comment -j DNAT --to-destination 10.0.0.1".split(),
        "-A NATC-POST -o eth0 -m comment --comment -j MASQUERADE".split(),
    ]


@pytest.mark.parametrize("name", FILE_NAMES, ids=range(len(FILE_NAMES)))
def test_a_file_name_stays_inside_its_word_of_the_script(name: str, tmp_path: Path) -> None:
    made = script(rules(name, POLICY), printable(name))
    head, body = made.split("\n# IPv4\n")
    stubs = "".join(
        f"{word}() {{ echo {word} $#; }}\n" for word in ("put", "prune", "clear", "unroute")
    )
    done = subprocess.run(
        ["dash", "-eu", "-c", f"IPTABLES_RESTORE= IP6TABLES_RESTORE=\n{stubs}{body}"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.stderr == ""
    assert done.stdout == "put 3\nprune 3\nclear 2\nunroute 1\nclear 2\nclear 2\nunroute 1\n"
    assert list(tmp_path.iterdir()) == []
    assert all(line.isprintable() for line in made.splitlines())
    assert head.splitlines()[2:] == script({}, "").split("\n# IPv4")[0].splitlines()[2:]


@pytest.mark.kernel
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_strange_file_names_load_as_two_rules(flavour: str, tmp_path: Path) -> None:
    commands = []
    for number, name in enumerate(FILE_NAMES):
        made = rules(name, POLICY)
        (tmp_path / f"{number}.rules").write_text(write(made[Family.IPV4]), encoding="utf-8")
        (tmp_path / f"{number}.sh").write_text(script(made, printable(name)), encoding="utf-8")
        commands.append(
            f"$RESTORE < {number}.rules\n"  # Flushes, as there is no --noflush.
            f"[ $($SAVE -t nat | grep -c '^-A NATC') = 2 ]\n"
            f"$SAVE -t nat | grep '^-A' > before\n"
            f"dash {number}.sh\n"
            f"$SAVE -t nat | grep '^-A' > after\n"
            f"cmp before after\n"
            f"[ $($SAVE -t filter | grep -c '^-A') = 0 ]\n"
        )
    done = in_namespace("\n".join(commands), tmp_path, flavour)
    assert done.returncode == 0, done.stderr + done.stdout
    assert not (tmp_path / "pwned").exists()


@pytest.mark.kernel
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_strange_interfaces_load_as_themselves(flavour: str, tmp_path: Path) -> None:
    (tmp_path / "p.nat").write_text(STRANGE, encoding="utf-8")
    (tmp_path / "rules").write_bytes(natc("compile", "p.nat", cwd=tmp_path).stdout)
    (tmp_path / "boot").write_bytes(natc("compile", "p.nat", "--script", cwd=tmp_path).stdout)
    done = in_namespace("$RESTORE < rules; dash boot; $SAVE -t nat", tmp_path, flavour)
    assert done.returncode == 0, done.stderr
    rules = [line for line in done.stdout.decode().splitlines() if line.startswith("-A NATC")]
    assert len(rules) == 10
    for name in ("-j", "a'b", "$(reboot)", "`reboot`", "%s", "-t", "--"):
        assert any(f"-o {name} -m comment" in rule for rule in rules), name
    for name in ("-A", "COMMIT"):
        assert any(f"-i {name} -p tcp" in rule for rule in rules), name


@pytest.mark.parametrize("name", ['a"b', "a\nb", "a b", "a\\b", "a'b", "a/b", "a.b", "ü"])
def test_a_rule_has_a_plain_name(name: str, tmp_path: Path) -> None:
    (tmp_path / "p.nat").write_text(f"masquerade out eth0 as {name}\n", encoding="utf-8")
    done = natc("compile", "--format", "concise", "p.nat", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == b""
    assert (
        done.stderr.startswith(b"p.nat:1:24: error")
        or b"p.nat:1:2" in done.stderr
        or b":2:1:" in done.stderr
    )


@pytest.mark.parametrize("name", ["a\\nb", "a\\tb", 'a\\"b', "a\\\\b", "a'b", "$(x)", "%s"])
def test_the_name_of_a_test_may_say_anything(name: str, tmp_path: Path) -> None:
    text = (
        POLICY
        + f'test "{name}" {{ tcp 1.1.1.1:1 > 2.2.2.2:2 in eth0 out eth0; expect unchanged }}\n'
    )
    (tmp_path / "p.nat").write_text(text, encoding="utf-8")
    done = natc("test", "p.nat", cwd=tmp_path)
    assert done.returncode == 1
    lines = done.stdout.decode().splitlines()
    assert all(line.isprintable() for line in lines)
    assert lines[1].endswith("model FAIL")


@pytest.mark.parametrize(
    "form", [text.render, text.concise, json.render, sarif.render, github.render]
)
@pytest.mark.parametrize("name", FILE_NAMES, ids=range(len(FILE_NAMES)))
def test_an_error_in_a_strange_file_stays_in_its_line(
    name: str, form: Callable[[Iterable[Diagnostic]], str]
) -> None:
    with pytest.raises(PolicyError) as caught:
        rules(name, "masquerade from 300.1.1.1 out eth0\n")
    said = form(caught.value.diagnostics)
    if form is not json.render:  # A program reads it, and it escapes all that JSON asks for.
        assert all(line.isprintable() for line in said.splitlines())
    if form is text.render:
        assert len(said.splitlines()) == 5
    elif form in (text.concise, github.render):
        assert len(said.splitlines()) == 1


def test_the_longest_names_fit_a_kernel_comment() -> None:
    zone, rule = "z" * 63, "n" * 63
    policy = (
        "zone wan { interface eth0; address 203.0.113.2 }\n"
        f"zone {zone} {{ interface eth1; address 192.168.3.1; subnet 192.168.3.0/24 }}\n"
        + "\n" * 99_990
        + f"port-forward tcp/80 on wan -> 192.168.3.10 hairpin as {rule}\n"
    )
    (ruleset,) = rules(f"{'f' * 200}.nat", policy).values()
    for line in write(ruleset).splitlines():
        if line.startswith("-A"):
            rule_words = arguments(line)
            assert len(rule_words[rule_words.index("--comment") + 1].encode()) <= 255


@pytest.mark.parametrize(
    "value", ["1.2.3.4\nmasquerade out eth9", "1.2.3.4; masquerade out eth9", "1.2.3.4 # x"]
)
def test_a_setting_is_one_value(value: str, tmp_path: Path) -> None:
    text = "address pool = 10.0.0.1\nsnat out eth0 -> pool\n"
    (tmp_path / "p.nat").write_text(text, encoding="utf-8")
    done = natc("compile", "--set", f"pool={value}", "p.nat", cwd=tmp_path)
    assert b"eth9" not in done.stdout
    assert done.returncode == 1 or b"--to-source 1.2.3.4\n" in done.stdout
