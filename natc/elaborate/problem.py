"""How a step deep inside says that the policy is wrong."""

from collections.abc import Iterator
from contextlib import contextmanager

from natc.diagnostics import Diagnostic, Fix, Label
from natc.source import Span


class Problem(Exception):  # noqa: N818 - not an error of natc
    """One thing wrong with the policy; the statement at hand is given up, the others go on."""

    def __init__(
        self,
        code: str,
        message: str,
        span: Span,
        label: str = "",
        *,
        related: tuple[Label, ...] = (),
        notes: tuple[str, ...] = (),
        help: str | None = None,  # noqa: A002 - the diagnostic's field
        fix: Fix | None = None,
    ) -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(
            code, message, Label(span, label), related, notes=notes, help=help, fix=fix
        )


class Problems:
    """Every problem found so far."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Note a `Problem` of the block and go on after it."""
        try:
            yield
        except Problem as problem:
            self.found.append(problem.diagnostic)
