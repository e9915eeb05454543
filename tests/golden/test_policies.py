"""Each policy of policies/ compiles to the text that a person has read and accepted.

`pytest --update-golden` rewrites what differs; read `git diff` before you commit it.
"""

from pathlib import Path

import pytest

from natc import __version__
from tests.cli.program import ROOT, natc

HERE = Path(__file__).parent
POLICIES = tuple(sorted((ROOT / "policies").glob("*.nat")))
SCRIPTS = ("company", "office")
"""Policies of which the boot script and the standalone text are kept too: one of one family, and
one that uses everything."""


def hold(folder: Path, texts: dict[str, str], *, update: bool) -> None:
    """Compare `texts` with the files of `folder`, or write them there."""
    if update:
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    kept = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*")}
    for name, text in texts.items():
        assert kept.get(name) == text, f"{folder.name}/{name} differs: see --update-golden"
    assert sorted(kept) == sorted(texts)


def compiled(policy: Path, *words: str) -> str:
    done = natc("compile", f"policies/{policy.name}", "--node", "golden", *words, cwd=ROOT)
    assert done.stderr.decode() == ""
    assert done.returncode == 0
    return plain(done.stdout.decode())


def plain(text: str) -> str:
    assert str(ROOT) not in text
    return text.replace(f"natc {__version__}", "natc VERSION")


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.stem)
def test_a_policy_compiles_to_what_was_read(
    policy: Path, tmp_path: Path, update_golden: bool
) -> None:
    assert compiled(policy, "-o", f"{tmp_path}/") == ""
    texts = {file.name: plain(file.read_text()) for file in sorted(tmp_path.iterdir())}
    if policy.stem in SCRIPTS:
        families = [name[-1] for name in texts]
        texts |= {
            f"standalone.v{family}": compiled(policy, "--family", family, "--standalone")
            for family in families
        }
        texts["script.sh"] = compiled(policy, "--script")
    hold(HERE / policy.stem, texts, update=update_golden)


def test_there_is_no_golden_file_without_its_policy() -> None:
    folders = {path.name for path in HERE.iterdir() if path.is_dir() and path.name[0] != "_"}
    assert folders == {policy.stem for policy in POLICIES}
