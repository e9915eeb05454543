"""What holds for the project as a whole: catalogue, grammar, sizes, policies, the wheel."""

import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from lark import Token

from natc.diagnostics.codes import SLUGS
from natc.dsl import saved, tables
from natc.dsl.builder import Builder
from natc.dsl.format import format as format_policy
from natc.dsl.keywords import KEYWORDS
from natc.dsl.parser import parse
from natc.lint.catalogue import BY_CODE, ENTRIES, ON_A_GATEWAY
from natc.source import Source, Span
from tests.cli.program import ROOT, environment, natc

GRAMMAR = (ROOT / "grammar" / "nat.lark").read_text(encoding="utf-8")
MODULES = sorted((ROOT / "natc").rglob("*.py"))
POLICIES = sorted((ROOT / "policies").rglob("*.nat"))
LONGEST_MODULE = 500

# The catalogue.


def test_codes_are_sorted_and_stand_once() -> None:
    text = (ROOT / "natc" / "diagnostics" / "codes.py").read_text(encoding="utf-8")
    written = re.findall(r'^    "(NAT\d{3})": ', text, re.MULTILINE)
    assert written == sorted(set(written))
    assert written == list(SLUGS)


def test_slugs_are_unique_and_in_kebab_case() -> None:
    assert len(set(SLUGS.values())) == len(SLUGS)
    assert [s for s in SLUGS.values() if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", s)] == []


def raised() -> set[str]:
    """Return the codes that natc gives to errors, as constants in its modules.

    Those of the linter and of the host have pages of their own, whose examples tests/lint and
    tests/host run.
    """
    found = set()
    for path in MODULES:
        if path.name != "codes.py" and not {"lint", "host"} & set(path.parts):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and re.fullmatch(r"NAT\d{3}", str(node.value)):
                    found.add(str(node.value))
    return found - {entry.code for entry in ENTRIES if entry.by in ON_A_GATEWAY}


def test_every_code_that_natc_raises_is_in_the_catalogue() -> None:
    assert raised() <= SLUGS.keys()


def test_every_code_that_natc_raises_has_a_page() -> None:
    assert sorted(raised() - BY_CODE.keys()) == []


def test_every_error_has_a_specification() -> None:
    texts = [path.read_text() for path in (ROOT / "tests" / "spec" / "errors").glob("*.md")]
    announced = {
        slug.strip()
        for text in texts
        for slugs in re.findall(r"# error: \[([a-z, -]+)\]$", text, re.MULTILINE)
        for slug in slugs.split(",")
    }
    of_tests = {"NAT113", "NAT114"}  # reported by `natc test`; see tests/cli/test_test.py
    assert {SLUGS[code] for code in raised() - of_tests} - announced == set()


def test_the_table_of_errors_in_the_documentation_is_right() -> None:
    text = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (NAT\d{3}) \| ([a-z-]+) \|", text, re.MULTILINE))
    assert rows == {code: SLUGS[code] for code in sorted(raised())}


# The grammar.


def test_the_grammar_is_free_of_conflicts() -> None:
    pytest.importorskip("interegular", reason="Lark's strict mode needs interegular")
    tables.build(GRAMMAR, strict=True)


def test_the_keywords_are_those_of_the_grammar() -> None:
    words = set()
    for terminal in tables.build(GRAMMAR).terminals:
        pattern = terminal.pattern
        if pattern.type == "str":
            words |= {pattern.value} if re.fullmatch(r"[a-z]+(-[a-z]+)*", pattern.value) else set()
        elif terminal.name in {"VERB", "FLAG"}:
            words |= set(re.findall(r"[a-z-]+", pattern.value.split(")")[0].removeprefix("(?:")))
        elif terminal.name == "FAMILY":
            words |= {"ipv4", "ipv6"}
    assert words == KEYWORDS


def trees(lark: Any, builder: Builder, source: Source) -> list[object]:
    builder.source = source
    builder.span = Span(source, 0, 0)
    tree = lark.parse(source.text, start="policy")
    return [child for child in tree.children if not isinstance(child, Token)]


def test_saved_tables_parse_like_new_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "nat.tables")
    saved.save(path, tables.dump(GRAMMAR))
    monkeypatch.setattr(saved, "TABLES", path)
    assert saved.load(path) is not None
    loaded, made = Builder(), Builder()
    from_file, new = tables.load(loaded), tables.build(GRAMMAR, made)
    for policy in POLICIES:
        source = Source(policy.name, policy.read_text(encoding="utf-8"))
        expected = trees(new, made, source)
        assert trees(from_file, loaded, source) == expected
        assert expected


def test_tables_of_another_grammar_are_ignored(tmp_path: Path) -> None:
    path = str(tmp_path / "nat.tables")
    saved.save(path, b"tables")
    assert saved.load(path) == b"tables"
    with Path(path).open("r+b") as file:
        file.write(bytes(byte ^ 0xFF for byte in saved.stamp()))
    assert saved.load(path) is None
    assert saved.load(str(tmp_path / "missing")) is None


# Sizes and forms.


def test_modules_are_short() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {str(path): size for path, size in lengths.items() if size > LONGEST_MODULE} == {}


def test_every_module_says_what_it_is() -> None:
    trees_ = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
    assert [str(path) for path, tree in trees_.items() if not ast.get_docstring(tree)] == []


def test_every_policy_is_in_form() -> None:
    for policy in POLICIES:
        text = policy.read_text(encoding="utf-8")
        assert format_policy(parse(Source(policy.name, text))) == text, policy.name


# The wheel.


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a clean copy, which the build may write to."""
    pytest.importorskip("hatchling", reason="hatchling builds the wheel")
    here = tmp_path_factory.mktemp("wheel")
    skipped = shutil.ignore_patterns("__pycache__", "*.tables", "*.shapes")
    for folder in ("natc", "grammar", "policies", "docs"):
        shutil.copytree(ROOT / folder, here / "tree" / folder, ignore=skipped)
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, here / "tree")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(here)],
        cwd=here / "tree", capture_output=True, check=False, timeout=60,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    (path,) = here.glob("*.whl")
    return path


def test_the_wheel_holds_the_grammar_and_what_was_worked_out_of_it(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"natc/grammar/nat.lark", "natc/dsl/nat.tables", "natc/py.typed"} <= names
    modules = {str(path.relative_to(ROOT)) for path in MODULES}
    assert {name for name in names if name.endswith(".py")} == modules
    assert [name for name in names if not name.startswith(("natc/", "natc-"))] == []


def test_an_installed_natc_compiles_like_the_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    words = ("compile", "policies/office.nat", "--script", "--node", "x")
    env = environment() | {"PYTHONPATH": str(tmp_path / "site")}
    check = "from natc.dsl import saved; assert saved.load(saved.TABLES); print(saved.__file__)"
    where = subprocess.run(
        [sys.executable, "-c", check], cwd=tmp_path, env=env, capture_output=True, check=False
    )
    assert where.stdout.decode().startswith(str(tmp_path / "site")), where.stderr.decode()
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    installed = natc(*words, cwd=tmp_path, env=env)
    checkout = natc(*words, cwd=tmp_path)
    assert installed.stderr.decode() == ""
    assert installed.stdout == checkout.stdout
    assert installed.returncode == checkout.returncode == 0
