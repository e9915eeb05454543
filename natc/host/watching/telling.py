"""What the service tells people: its complaints, its swaps, and how it counts them."""

from pathlib import Path

from natc.address import Family
from natc.diagnostics import PolicyError
from natc.diagnostics.text import concise
from natc.host.errors import HostError
from natc.host.watching.journal import Log, Priority, Seldom
from natc.host.watching.metrics import Metrics
from natc.host.watching.serving import Down, checked, unserved
from natc.host.watching.swap import Swapped
from natc.ir.policy import Policy


class Telling:
    """The journal and the metrics.  What would be said again and again is said seldom.

    Attributes:
        metrics: what is counted, to be written.
    """

    def __init__(self, log: Log, path: Path | None) -> None:
        """Begin with nothing said.

        Args:
            path: the file for metrics; None for none.
        """
        self.metrics = Metrics()
        self._log = log
        self._path = path
        self._seldom = Seldom()

    def complain(self, error: HostError | PolicyError, *, always: bool = False) -> None:
        """Tell what went wrong.

        Args:
            always: whether to say it even where that was said a moment ago.
        """
        text = concise(error.diagnostics) if isinstance(error, PolicyError) else str(error)
        for line in text.splitlines():
            if always or self._seldom.is_due(line):
                self._log.say("error", line, Priority.ERROR)

    def swapped(self, done: Swapped, policy: Policy, down: Down) -> None:
        """Tell which servers serve now."""
        for note in done.notes:
            self._log.say("recovered", note, Priority.WARNING)
        alone = unserved(policy, down)
        if done.families:
            self.metrics.swaps += 1
            self._log.say("swap", _avoided(policy, down, alone))
        for rule, family in sorted(alone):
            text = f"{rule}: no {family} server is up; all of its backends serve as if they were"
            if self._seldom.is_due(text) or done.families:
                self._log.say("no-server", text, Priority.ERROR, rule=rule)

    def forget(self) -> None:
        """Have everything be news again."""
        self._seldom.forget()

    def write_metrics(self) -> None:
        """Write the metrics, if they are wanted."""
        if self._path is not None:
            try:
                self.metrics.write(self._path)
            except HostError as error:
                self.complain(error)


def _avoided(policy: Policy, down: Down, alone: frozenset[tuple[str, Family]]) -> str:
    """Say which servers take no new connections; those of rules without a server all do."""
    out = [
        f"{server.text} of {server.rule}"
        for server in checked(policy)
        if server.key in down and (server.rule, server.family) not in alone
    ]
    if out:
        return f"new connections avoid {', '.join(sorted(out))}"
    return "all servers serve, whether they are up or not" if alone else "all servers serve"
