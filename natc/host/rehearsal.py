"""A true dry run: the rules are loaded in a throw-away network namespace first.

`iptables-restore --test` and `nft -c` take what the kernel then refuses (docs/kernel.md), and only
a kernel says how it prints the rules; so this asks one.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from natc import programs
from natc.address import FAMILIES, Family
from natc.host.errors import HostError
from natc.host.gateway import Gateway, Refusal, hint
from natc.host.held import State, States, transactions
from natc.record import Record
from natc.targets.iptables.model import Place
from natc.targets.iptables.own import parts

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_SET = re.compile(r"--match-set (\S+)")
_COMMENT = re.compile(r'-m comment --comment (?:"((?:[^"\\]|\\.)*)"|(\S+))')


class Refused(Record):
    """What the kernel said of a text.

    Attributes:
        rule: the line of the text at fault; None where it is not known.
    """

    message: str
    rule: str | None

    def text(self) -> str:
        """Return it in words, with the policy line that the rule comes from."""
        if self.rule is None:
            return f"the kernel refuses the rules: {self.message}"
        return f"{place(self.rule)}: the kernel refuses this rule: {self.message}\n  {self.rule}"


def rehearse(
    gateway: Gateway,
    texts: Mapping[Family, str],
    also: Callable[[Mapping[Family, str]], None] | None = None,
) -> dict[Family, str]:
    """Load texts where nothing else is, and return what iptables-save then prints.

    The ipsets that rules look at are there, of the host's kinds and empty.

    Args:
        also: what else to do there with the texts once they are loaded.

    Raises:
        HostError: the kernel refuses a rule, which is named with its policy line; or there is no
            namespace to be had; or `also` raised it.
    """
    # Most applies need no rehearsal, and the lab takes a while to load.
    from natc.testlab import netns  # noqa: PLC0415
    from natc.testlab.errors import LabError, LabUnavailable  # noqa: PLC0415

    sets = _sets("".join(texts.values()))
    links = _links(gateway)
    worker = netns.start(
        lambda parent: _serve(parent, gateway, texts, sets, links=links, also=also)
    )
    try:
        answer = worker.connection.recv()
        if not isinstance(answer, Exception):
            answer = worker.connection.recv()
    except EOFError:
        answer = LabError("the namespace for the dry run has died")
    finally:
        worker.stop()
    if isinstance(answer, LabError | LabUnavailable):
        raise HostError(f"no dry run: {answer}")
    if isinstance(answer, Exception):
        raise answer
    if isinstance(answer, Refused):
        raise HostError(answer.text(), hint(answer.message))
    found: dict[Family, str] = answer
    return found


def rehearsed(
    gateway: Gateway,
    after: States,
    also: Callable[[Mapping[Family, str]], None] | None = None,
) -> Mapping[Family, State]:
    """Return what the kernel makes of rules, in a throw-away namespace.

    Args:
        also: what else to do there with the texts once they are loaded.

    Raises:
        HostError: it refuses them, or `also` does.
    """
    texts = {
        family: transactions(State(family, {}), state, Place.FIRST)
        for family, state in after.items()
    }
    dumps = rehearse(gateway, {family: text for family, text in texts.items() if text}, also)
    return {
        family: State(family, parts(dump), after[family].routes) for family, dump in dumps.items()
    }


def _serve(
    parent: "Connection",
    gateway: Gateway,
    texts: Mapping[Family, str],
    sets: Sequence[str],
    *,
    links: Mapping[Path, Path],
    also: Callable[[Mapping[Family, str]], None] | None,
) -> None:
    from natc.testlab import netns  # noqa: PLC0415 - as above

    os.environ["XTABLES_LOCKFILE"] = f"{netns.PRIVATE}/xtables.lock"
    try:
        for path, target in links.items():
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.symlink_to(target)
        if sets:
            programs.run(("ipset", "restore"), "".join(f"{line}\n" for line in sets))
        for family, text in texts.items():
            try:
                gateway.restore(family, text)
            except Refusal as refusal:
                parent.send(_refused(gateway, family, text, refusal))
                return
        if also is not None:
            also(texts)
        parent.send({family: gateway.save(family) for family in texts})
    except Exception as error:  # noqa: BLE001 - the parent decides what is a bug
        parent.send(error)


def _refused(gateway: Gateway, family: Family, text: str, refusal: Refusal) -> Refused:
    lines = text.splitlines()
    if refusal.line is None:
        return Refused(str(refusal), None)
    line = lines[refusal.line - 1] if 0 < refusal.line <= len(lines) else ""
    if line == "COMMIT":
        line = _culprit(gateway, family, lines, refusal.line - 1)
    return Refused(str(refusal), line if line.startswith("-A ") else None)


def _culprit(gateway: Gateway, family: Family, lines: Sequence[str], end: int) -> str:
    """Return the first rule of a table with which the kernel refuses it.

    Legacy programs hand it the whole table and say no more than that it was refused.
    """
    start = max(number for number in range(end) if lines[number].startswith("*"))
    head = [line for line in lines[start:end] if not line.startswith("-A NATC-")]
    rules = [line for line in lines[start:end] if line.startswith("-A NATC-")]

    def takes(count: int) -> bool:
        tried = "\n".join([*head, *rules[:count], "COMMIT", ""])
        try:
            gateway.restore(family, tried, whole=True)
        except Refusal:
            return False
        return True

    low, high = 0, len(rules)  # It takes `low` rules, and not `high`.
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if takes(middle) else (low, middle)
    return rules[high - 1] if rules else ""


def _links(gateway: Gateway) -> dict[Path, Path]:
    """Return where the programs are, and what they lead to: all of /run is new in a namespace.

    A lab's programs are links in /run, so others would be found there, of the other flavour.
    """
    names = (gateway.program(family, verb) for family in FAMILIES for verb in ("-restore", "-save"))
    found = filter(None, map(programs.path_of, names))
    return {path: path.resolve() for path in map(Path, found)}


def _sets(text: str) -> list[str]:
    """Return lines that make the ipsets that a text names, those that this machine has."""
    lines = []
    for name in sorted(set(_SET.findall(text))):
        try:
            done = programs.run(("ipset", "save", name))
        except programs.Missing as error:
            raise HostError(str(error)) from None
        lines += [line for line in done.stdout.splitlines() if line.startswith("create ")]
    return lines


def place(rule: str) -> str:
    """Return the policy line that a rule comes from, as its comment tells it."""
    found = _COMMENT.search(rule)
    if found is None:
        return "a rule"
    return (found[1] or found[2] or "").replace('\\"', '"').replace("\\\\", "\\")
