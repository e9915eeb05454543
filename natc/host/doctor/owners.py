"""Whose rules are whose, by the names of their chains."""

import re
from collections.abc import Iterator

from natc.record import Record
from natc.source import Source, Span
from natc.targets.iptables.model import BUILT_IN, JUMP_COMMENT

NATC = "natc"

_OWNERS = (
    (re.compile(r"NATC-[A-Z]+(-[0-9]+)?"), NATC),
    (re.compile(r"DOCKER(-.*)?"), "Docker"),
    (re.compile(r"LIBVIRT_.*"), "libvirt"),
    (re.compile(r"KUBE-.*"), "Kubernetes"),
    (re.compile(r"CNI-.*"), "a CNI plugin"),
    (re.compile(r"NETAVARK[-_].*"), "Podman"),
    (re.compile(r"cali-.*"), "Calico"),
    (re.compile(r"CILIUM_.*"), "Cilium"),
    (re.compile(r"FLANNEL-.*"), "Flannel"),
    (re.compile(r"ISTIO_.*"), "Istio"),
    (re.compile(r"f2b-.*"), "Fail2ban"),
    (re.compile(r"ufw6?-.*"), "ufw"),
)

_CHAIN = re.compile(r"^:(\S+) |^(?:\[\d+:\d+\] )?-A (\S+)")
_TARGET = re.compile(r" -[jg] (\S+)")
_JUMP = re.compile(rf'-m comment --comment "?{JUMP_COMMENT}"? -j NATC-')


class Line(Record):
    """A rule or the declaration of a chain in what iptables-save printed.

    Attributes:
        owner: None: somebody whom natc does not know by name.
        is_rule: whether it is a rule.
    """

    table: str
    chain: str
    owner: str | None
    span: Span
    is_rule: bool


def owner_of(chain: str) -> str | None:
    """Return whose chain it is, by its name; None is not known."""
    return next((owner for name, owner in _OWNERS if name.fullmatch(chain)), None)


def lines(source: Source) -> Iterator[Line]:
    """Yield the rules and the declared chains of a dump; built-in chains are nobody's."""
    table, start = "", 0
    for text in source.text.split("\n"):
        span = Span(source, start, start + len(text))
        start += len(text) + 1
        if text.startswith("*"):
            table = text[1:].strip()
            continue
        found = _CHAIN.match(text)
        if found is None:
            continue
        chain = found[1] or found[2]
        if found[1]:
            if chain not in BUILT_IN.get(table, ()):
                yield Line(table, chain, owner_of(chain), span, is_rule=False)
        else:
            yield Line(table, chain, owner_of_rule(chain, text), span, is_rule=True)


def owner_of_rule(chain: str, text: str) -> str | None:
    """Return whose rule it is: its chain's owner, or else that of the chain that it leads to."""
    owner = owner_of(chain)
    if owner is not None:
        return owner
    target = _TARGET.search(text)
    leads_to = None if target is None else owner_of(target[1])
    if leads_to == NATC and not _JUMP.search(text):
        return None  # Somebody's own jump to a chain of natc's.
    return leads_to
