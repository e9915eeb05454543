"""What one apply put in place, kept in a folder of its own that never changes afterwards."""

from collections.abc import Mapping
from pathlib import Path

from natc.address import Family
from natc.host.errors import HostError
from natc.host.kept import DAMAGED, SOURCES, Served, Sources
from natc.record import Record
from natc.targets.iptables.model import PolicyRoute
from natc.writing import replace_file


class Generation(Record):
    """What one apply put in place.

    Attributes:
        number: from 1.
        folder: where it is kept.
        policy: the policy's file; empty for none.
        digest: of the policy and all that it includes, SHA-256.
        made: when, in seconds since 1970 by the wall clock.
        previous: the generation that it replaced; None if the kernel held none of natc's.
        routes: policy routing of both families that its rules rely on.
        passing: the folder of what is remembered until the next boot.
    """

    number: int
    folder: Path
    policy: str
    digest: str
    made: float
    place: str
    backend: str
    node: str
    settings: Mapping[str, str]
    previous: int | None
    routes: tuple[PolicyRoute, ...]
    passing: Path

    @property
    def name(self) -> str:
        """What to call its policy."""
        return "a policy from standard input" if self.policy == "-" else self.policy

    @property
    def is_empty(self) -> bool:
        """Whether it is the absence of rules, after `natc remove`."""
        return not self.policy

    def text(self) -> str:
        """Return the shell script that puts the rules in place, any number of times.

        Raises:
            HostError: it cannot be read.
        """
        path = self.folder / "install.sh"
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise HostError(f"cannot read {path}: {error.strerror or error}") from None

    def saved(self, family: Family) -> str | None:
        """Return natc's part of the rules as the kernel prints them since the last change.

        That is the apply, or a later change by `natc watch`.  What the kernel makes of the rules is
        asked of a throw-away namespace where no apply had to look, and kept.  None where that is
        not known.
        """
        served = self.served
        if served is not None and family in served.saved:
            return served.saved[family]
        path = self.folder / saved_name(family)
        try:
            return path.read_text(encoding="utf-8")
        except OSError:
            return self._rehearsed(family)

    def given(self, family: Family) -> str | None:
        """Return natc's part of the rules as the kernel was given them; None: it was given none."""
        try:
            return (self.folder / given_name(family)).read_text(encoding="utf-8")
        except OSError:
            return None

    def _rehearsed(self, family: Family) -> str | None:
        text = self.given(family)
        if not text:
            return text
        from natc.host.gateway import gateway  # noqa: PLC0415 - seldom needed
        from natc.host.rehearsal import rehearse  # noqa: PLC0415

        try:
            printed = rehearse(gateway(), {family: text})[family]
            replace_file(self.folder / saved_name(family), printed, guarded=True)
        except (HostError, OSError):
            return None
        return printed

    @property
    def served(self) -> Served | None:
        """What `natc watch` made of it; None for nothing, and where that cannot be read."""
        try:
            return Served.of(self.served_file.read_text(encoding="utf-8"))
        except (OSError, *DAMAGED):
            return None

    @property
    def served_file(self) -> Path:
        """The file that says what `natc watch` made of it."""
        return self.passing / f"served-{self.number}.json"

    def sources(self) -> Sources | None:
        """Return the policy as it was applied; None where an earlier natc did not keep it.

        Raises:
            HostError: it is damaged.
        """
        path = self.folder / SOURCES
        try:
            return Sources.of(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, *DAMAGED) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is damaged"
            raise HostError(f"cannot read {path}: {reason}", "apply the policy again") from None


def saved_name(family: Family) -> str:
    """Return the file of a generation that holds what the kernel printed."""
    return f"saved.v{family.value}"


def given_name(family: Family) -> str:
    """Return the file of a generation that holds what the kernel was given."""
    return f"given.v{family.value}"
