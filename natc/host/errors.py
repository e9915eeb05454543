"""What can go wrong on a gateway."""

from collections.abc import Sequence

from natc.diagnostics import Diagnostic


class HostError(Exception):
    """natc could not do the work, and the gateway is as it was unless the message says otherwise.

    Attributes:
        help: what the administrator can do about it; None where there is nothing to add.
    """

    def __init__(self, message: str, help: str | None = None) -> None:  # noqa: A002
        super().__init__(message)
        self.help = help

    def __str__(self) -> str:
        return f"{self.args[0]}; {self.help}" if self.help else str(self.args[0])


class Refused(HostError):  # noqa: N818 - a state, and nothing was changed
    """What `natc doctor` finds makes it senseless to apply; nothing was changed.

    Attributes:
        findings: the errors, never empty.
    """

    def __init__(self, findings: Sequence[Diagnostic]) -> None:
        super().__init__("; ".join(f"{found.code}: {found.message}" for found in findings))
        self.findings = tuple(findings)
