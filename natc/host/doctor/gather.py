"""Asks this machine for the facts about it, in the network namespace that natc runs in.

Reads only: nothing here changes the kernel, not even by making it register an empty table.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from natc import address, programs
from natc.address import FAMILIES, Family
from natc.flavours import PROGRAMS, Flavour
from natc.host.doctor.facts import SYSCTLS, Bridged, Current, Dump, Facts, Link, Route, RoutingRule
from natc.host.doctor.loadings import loadings
from natc.host.errors import HostError
from natc.host.gateway import Gateway
from natc.host.store import Store
from natc.ir.intervals import IntervalSet, interval
from natc.record import replace
from natc.targets.iptables.model import Place

_SETTINGS = (
    "ipv4/ip_forward",
    "ipv4/conf/*/forwarding",
    "ipv4/conf/*/rp_filter",
    "ipv4/conf/*/route_localnet",
    "ipv4/conf/*/src_valid_mark",
    "ipv6/conf/*/forwarding",
    "ipv6/conf/*/force_forwarding",
    "bridge/bridge-nf-call-iptables",
    "bridge/bridge-nf-call-ip6tables",
    "netfilter/nf_conntrack_count",
    "netfilter/nf_conntrack_max",
    "netfilter/nf_conntrack_helper",
)
"""Below /proc/sys/net, which is that of the network namespace of whoever looks."""

_TABLES = {Family.IPV4: "/proc/net/ip_tables_names", Family.IPV6: "/proc/net/ip6_tables_names"}
"""The legacy tables that there are.  Source: net/netfilter/x_tables.c, Linux 6.18."""

_HELPER = re.compile(r'type "([^"]+)" protocol')


def gather(gateway: Gateway | None, store: Store | None) -> Facts:
    """Return all that the findings look at.

    Args:
        gateway: None where the machine has no iptables.
        store: what natc remembers; None is nothing.
    """
    facts = essentials(gateway)
    undecided = list(facts.undecided)
    rules, routes = _routing(undecided)
    return replace(
        facts,
        rules=rules,
        routes=routes,
        loadings=loadings(Path("/")),
        helpers=_helpers(),
        current=_current(store, undecided),
        undecided=tuple(undecided),
    )


def essentials(gateway: Gateway | None, *, is_brief: bool = False) -> Facts:
    """Return sysctls, interfaces, and what both flavours hold.

    Args:
        is_brief: not what the host's own flavour holds, unless the other one holds rules as well.
    """
    undecided: list[str] = []
    dumps: list[Dump] = []
    if gateway is None:
        undecided.append("everything about rules: there is no iptables")
    else:
        for flavour in sorted(Flavour, key=lambda each: each is gateway.flavour):
            if is_brief and flavour is gateway.flavour and not any("-A " in d.text for d in dumps):
                break
            for family in FAMILIES:
                dump = _dump(gateway, flavour, family, undecided)
                if dump is not None:
                    dumps.append(dump)
    return Facts(
        None if gateway is None else gateway.flavour,
        _version(gateway),
        _settings(),
        _links(undecided),
        tuple(dumps),
        undecided=tuple(dict.fromkeys(undecided)),
    )


def _version(gateway: Gateway | None) -> str:
    if gateway is None:
        return ""
    kind = "nf_tables" if gateway.flavour is Flavour.NFT else "legacy"
    return f"iptables v{'.'.join(map(str, gateway.version))} ({kind})"


def _settings() -> Mapping[str, str]:
    found = {}
    folder = Path(SYSCTLS)
    for pattern in _SETTINGS:
        for path in sorted(folder.glob(pattern)):
            try:
                found[str(path)] = path.read_text(encoding="ascii").strip()
            except (OSError, UnicodeDecodeError):
                continue
    return found


# Rules.


def _dump(gateway: Gateway, flavour: Flavour, family: Family, undecided: list[str]) -> Dump | None:
    """Return what a flavour holds; None where that cannot be had."""
    if flavour is gateway.flavour:
        try:
            return Dump(flavour, family, _plain(gateway.save(family)))
        except HostError as error:
            undecided.append(f"what the {family} rules do ({error})")
            return None
    program = f"{PROGRAMS[family]}-{flavour}-save"
    if programs.path_of(program) is None:
        return None
    if flavour is Flavour.LEGACY and not _has_tables(family):
        return Dump(flavour, family, "")
    # Not with `-t`, which has the kernel make the table that it names.
    done = programs.run((program,))
    if done.returncode != 0:
        said = " ".join(done.stdout.split())
        undecided.append(f"whether there are rules in two flavours ({program} failed: {said})")
        return None
    return Dump(flavour, family, _plain(done.stdout))


def _has_tables(family: Family) -> bool:
    """Whether there may be legacy tables: without root the kernel does not say."""
    try:
        return bool(Path(_TABLES[family]).read_text(encoding="ascii").strip())
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _plain(text: str) -> str:
    """Return a dump without comments, which hold the time and warnings."""
    return "".join(f"{line}\n" for line in text.splitlines() if not line.startswith("#"))


def _helpers() -> frozenset[str]:
    if programs.path_of("nft") is None:
        return frozenset()
    return frozenset(_HELPER.findall(programs.run(("nft", "list", "ct", "helpers")).stdout))


def _current(store: Store | None, undecided: list[str]) -> Current | None:
    try:
        made = None if store is None else store.current
    except HostError as error:
        undecided.append(f"whether the rules are those that were applied ({error})")
        return None
    if made is None:
        return None
    saved = {family: made.saved(family) for family in FAMILIES}
    known = {family: text for family, text in saved.items() if text is not None}
    return Current(made.policy, made.backend, Place(made.place), known, str(made.folder))


# Interfaces and routing, as `ip -json` tells.


def _links(undecided: list[str]) -> tuple[Link, ...]:
    return tuple(map(_link, _told(("-d", "address", "show"), "interfaces", undecided)))


def _link(row: Mapping[str, Any]) -> Link:
    info = row.get("linkinfo", {})
    data = info.get("info_data", {})
    names: tuple[Bridged, ...] = ("iptables", "ip6tables")
    addresses = (each["local"] for each in row.get("addr_info", ()) if "local" in each)
    return Link(
        row["ifname"],
        tuple(map(address.parse, addresses)),
        info.get("info_kind") == "bridge",
        frozenset(name for name in names if data.get(f"nf_call_{name}") in (1, True)),
    )


def _routing(undecided: list[str]) -> tuple[tuple[RoutingRule, ...], tuple[Route, ...]]:
    rules: list[RoutingRule] = []
    routes: list[Route] = []
    for family in FAMILIES:
        version = f"-{family.value}"
        rows = _told((version, "rule", "show"), f"{family} routing", undecided)
        rules += (_rule(family, row) for row in rows)
        words = (version, "route", "show", "table", "all")
        routes += _routes(family, _told(words, f"{family} routing", undecided))
    return tuple(rules), tuple(routes)


_PLAIN = {"priority", "src", "fwmark", "fwmask", "table", "protocol"}


def _rule(family: Family, row: Mapping[str, Any]) -> RoutingRule:
    mark = int(str(row.get("fwmark", "0")), 0)
    mask = int(str(row.get("fwmask", "0xffffffff")), 0) if "fwmark" in row else 0
    is_plain = set(row) <= _PLAIN and row.get("src") == "all" and "table" in row
    table = str(row.get("table", ""))
    return RoutingRule(family, int(row["priority"]), table, mark, mask, is_plain)


def _routes(family: Family, rows: Sequence[Mapping[str, Any]]) -> Iterator[Route]:
    for row in rows:
        hops = [row, *row.get("nexthops", ())]
        yield Route(
            family,
            str(row.get("table", "main")),
            row.get("type", "unicast"),
            _network(family, row["dst"]),
            tuple(hop["dev"] for hop in hops if "dev" in hop),
        )


def _network(family: Family, text: str) -> IntervalSet:
    if text == "default":
        return interval(0, family.last)
    first, _, length = text.partition("/")
    _, low = address.parse(first)
    host = family.bits - int(length) if length else 0
    return interval(low, low | (1 << host) - 1)


def _told(words: Sequence[str], what: str, undecided: list[str]) -> list[Mapping[str, Any]]:
    """Return what `ip -json` says."""
    try:
        done = programs.run(("ip", "-json", *words))
        rows = json.loads(done.stdout or "[]")
    except (programs.Missing, ValueError, OSError) as error:
        undecided.append(f"all about {what} (`ip {' '.join(words)}`: {error})")
        return []
    return [row for row in rows if row]
