"""What `natc lint --fix` calls safe changes nothing: for every policy, repairs are never refused."""

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, note

from natc.cli.lint_files import Files, Reading
from natc.cli.lint_fix import Found, repair
from natc.dsl import ast
from natc.dsl.format import format as write
from natc.lint.run import lint
from tests.strategies import SMALL, policies


@given(policies(SMALL))
def test_repairs_that_are_called_safe_are_done_and_leave_nothing_to_repair(policy: ast.Policy):
    text = write(policy)
    note(text)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "p.nat"
        path.write_text(text, encoding="utf-8")
        files = Files(str(path), Reading("policy", None, "", {}, None, date(2026, 1, 1)))

        def find() -> Found:
            subject = files.subject()
            return subject, lint(subject)

        repairs = repair(files, find, unsafe=False)
    assert repairs.refused is None
    assert repairs.meaning in ("", "no packet is treated differently")
    assert not any(finding.fix and finding.fix.is_safe for finding in repairs.left[1])
