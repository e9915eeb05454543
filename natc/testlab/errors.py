"""What can go wrong in a lab.  All of these travel from the worker to the parent by pickle."""

from natc.address import Family


class LabUnavailable(Exception):  # noqa: N818 - a state, not an error of natc
    """This machine cannot run a lab; the message says why and what would help."""


class LabError(Exception):
    """The lab itself failed, which says nothing about the rules under test."""


class Untestable(ValueError):  # noqa: N818 - a state, not an error of natc
    """A packet that the lab cannot make; the message says why.  See `Lab.obstacle`."""


class LoadError(Exception):
    """The restore program or the kernel refused a text; nothing of that table was applied.

    Attributes:
        flavour: `nft` or `legacy`.
        message: what the program printed, on one line.
        line: of the restore text, from 1; None if the program named none.  Legacy names the
            COMMIT line for whatever the kernel refuses.
    """

    def __init__(self, flavour: str, family: Family, message: str, line: int | None) -> None:
        super().__init__(flavour, family, message, line)
        self.flavour = flavour
        self.family = family
        self.message = message
        self.line = line

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"iptables ({self.flavour}, {self.family}) refused the rules: {place}{self.message}"
