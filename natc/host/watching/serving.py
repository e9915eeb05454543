"""Which servers of a policy are checked, and the policy as it is while some of them are down.

Pure: from values to values.
"""

from collections.abc import Iterator

from natc.address import Family, text_of
from natc.ir.actions import Backend, Balance, Hook, Tproxy
from natc.ir.fields import Field
from natc.ir.policy import HealthCheck, Policy, Rule
from natc.record import Record, replace
from natc.targets.iptables.model import HOOK_CHAINS, PolicyRoute

Key = tuple[str, str]
"""A server: the name of its rule, and its address as text, with the port if it has its own."""

Down = frozenset[Key]
"""The servers that are down; all others are up."""


class Server(Record):
    """A backend or backup whose health is checked.

    Attributes:
        text: as in `Key`.
        address: an integer of the family.
        port: where it is checked: its own, else the lowest that the rule takes; None where the
            rule takes all, and so nothing can be checked.
        is_backup: whether it is used only when the backends are down.
    """

    rule: str
    text: str
    family: Family
    address: int
    port: int | None
    is_backup: bool

    @property
    def key(self) -> Key:
        """What it is known by."""
        return self.rule, self.text


def checked(policy: Policy) -> dict[Server, HealthCheck]:
    """Return the servers of a policy that have a health check, in the order of the policy.

    An address that stands in a rule twice is one server, a backend if it is one anywhere.
    """
    found: dict[Key, tuple[Server, HealthCheck]] = {}
    for check, rule, balance in _balances(policy):
        for is_backup, backends in ((False, balance.backends), (True, balance.backups)):
            for backend in backends:
                server = _server(check, rule, backend, is_backup=is_backup)
                found.setdefault(server.key, (server, check))
    return dict(found.values())


def _balances(policy: Policy) -> Iterator[tuple[HealthCheck, Rule, Balance]]:
    checks = {check.rule: check for check in policy.checks}
    for rule in policy.rules:
        check = checks.get(_statement(rule))
        if check is not None and isinstance(rule.action, Balance):
            yield check, rule, rule.action


def _statement(rule: Rule) -> str:
    """Return the name of the statement that a rule comes from: `.local` and such are natc's own."""
    return rule.name.partition(".")[0]


def _server(check: HealthCheck, rule: Rule, backend: Backend, *, is_backup: bool) -> Server:
    port = None if backend.action.ports is None else backend.action.ports.first
    if port is None:
        taken = [box.get(Field.DESTINATION_PORT) for box in rule.match.boxes]
        port = min((ports.first for ports in taken if ports is not None), default=None)
    text = _text(rule.family, backend)
    address = backend.action.addresses.first
    return Server(check.rule, text, rule.family, address, port, is_backup)


def _text(family: Family, backend: Backend) -> str:
    text = text_of(family, backend.action.addresses.first)
    if backend.action.ports is None:
        return text
    port = backend.action.ports.first
    return f"[{text}]:{port}" if family is Family.IPV6 else f"{text}:{port}"


def served(policy: Policy, down: Down) -> Policy:
    """Return the policy in which balanced rules hold only servers that serve.

    Those are the backends that are up; when none is, the backups that are up; when none of these
    is either, all backends as if they were up: a server that is wrongly thought down then serves,
    and connections to one that is down fail as they would without a rule.
    """
    checks = {check.rule for check in policy.checks}
    return replace(policy, rules=tuple(_served(rule, checks, down) for rule in policy.rules))


def _served(rule: Rule, checks: set[str], down: Down) -> Rule:
    statement, balance = _statement(rule), rule.action
    if not isinstance(balance, Balance) or statement not in checks:
        return rule

    def are_up(backends: tuple[Backend, ...]) -> tuple[Backend, ...]:
        return tuple(one for one in backends if (statement, _text(rule.family, one)) not in down)

    serving = are_up(balance.backends) or are_up(balance.backups) or balance.backends
    return replace(rule, action=replace(balance, backends=serving))


def unserved(policy: Policy, down: Down) -> frozenset[tuple[str, Family]]:
    """Return the rules, by name and family, of which every backend and every backup is down."""
    left: dict[tuple[str, Family], bool] = {}
    for server in checked(policy):
        where = server.rule, server.family
        left[where] = left.get(where, False) or server.key not in down
    return frozenset(where for where, is_left in left.items() if not is_left)


def hooks(policy: Policy) -> frozenset[Hook]:
    """Return the hooks that hold rules which follow the health of servers."""
    return frozenset(rule.hook for _, rule, _ in _balances(policy))


def only(policy: Policy, kept: frozenset[Hook]) -> Policy:
    """Return the part of a policy that makes the chains of some hooks."""
    return replace(policy, rules=tuple(rule for rule in policy.rules if rule.hook in kept))


def chain_prefixes(kept: frozenset[Hook]) -> tuple[str, ...]:
    """Return the names that the chains of some hooks begin with."""
    return tuple(HOOK_CHAINS[hook][2] for hook in Hook if hook in kept)


def routes(policy: Policy, family: Family) -> tuple[PolicyRoute, ...]:
    """Return the policy routing that the rules of a family rely on."""
    return tuple(
        dict.fromkeys(
            PolicyRoute(family, rule.action.mark, rule.action.mask)
            for rule in policy.rules
            if rule.family is family and isinstance(rule.action, Tproxy)
        )
    )
