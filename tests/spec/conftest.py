"""Collects the policies of Markdown files as tests; see `markdown.py` for what they may say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.spec.markdown import Case, Wrong, cases, check


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "Document | None":
    """Take Markdown files below this folder."""
    if file_path.suffix != ".md":
        return None
    made: Document = Document.from_parent(parent, path=file_path)
    return made


class Document(pytest.File):
    """A Markdown file."""

    def collect(self) -> Iterator["Policy"]:
        """Yield its policies; `xfail=REASON` after `nat` marks a bug of natc."""
        for case in cases(self.path):
            item: Policy = Policy.from_parent(self, name=f"{case.line}: {case.title}", case=case)
            reason = next((word[6:] for word in case.words if word.startswith("xfail=")), None)
            if reason is not None:
                item.add_marker(pytest.mark.xfail(strict=True, reason=reason.replace("_", " ")))
            yield item


class Policy(pytest.Item):
    """One policy of a Markdown file."""

    def __init__(self, *, case: Case, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.case = case

    def runtest(self) -> None:
        """Compare natc with what the document says."""
        check(self.case)

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: object = None,  # noqa: ARG002 - pytest's signature
    ) -> str:
        """Return the difference alone; a traceback for anything else."""
        if isinstance(excinfo.value, Wrong):
            return f"{self.path}: {excinfo.value}"
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the policy stands, counted from 0."""
        return self.path, self.case.line - 1, self.name
