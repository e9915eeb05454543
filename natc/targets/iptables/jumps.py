"""An action to what a rule jumps to; some actions take several rules."""

from collections.abc import Iterator
from typing import assert_never

from natc import address
from natc.address import Family
from natc.ir.actions import (
    Accept,
    Backend,
    Balance,
    Dnat,
    Drop,
    Hook,
    Masquerade,
    Netmap,
    Note,
    PortChoice,
    Redirect,
    Return,
    SetMark,
    Snat,
    Tproxy,
    Unknown,
    Untrack,
)
from natc.ir.conditions import SHARES
from natc.ir.intervals import IntervalSet
from natc.ir.policy import Rule
from natc.record import Record
from natc.targets.iptables.matches import cidr_text
from natc.targets.iptables.model import Jump, Match, Option


class CannotSay(Exception):  # noqa: N818 - not an error of natc
    """iptables has no form for this rule.

    Attributes:
        help: what to write instead; None when there is nothing.
    """

    def __init__(self, message: str, help: str | None = None) -> None:  # noqa: A002
        super().__init__(message)
        self.help = help


class Step(Record):
    """One kernel rule of an action: further matches and a jump."""

    matches: tuple[Match, ...]
    jump: Jump


def steps(rule: Rule) -> Iterator[Step]:
    """Yield the kernel rules of the action; the last one always decides.

    Raises:
        CannotSay: the action has no form.
    """
    family = rule.family
    match rule.action:
        case Dnat() as action:
            if family is Family.IPV6 and rule.hook is Hook.PREROUTING and 1 in action.addresses:
                raise CannotSay(
                    "the kernel delivers no arriving packet to ::1",
                    "`transparent-proxy … -> :PORT` takes packets to the gateway itself",
                )
            yield Step((), _dnat(action, family))
        case Snat() as action:
            yield Step((), _snat(action, family))
        case Masquerade() as action:
            ports = () if action.ports is None else (Option("--to-ports", (_ports(action.ports),)),)
            yield Step((), Jump("MASQUERADE", (*ports, *_choice(action.port_choice))))
        case Accept():
            yield Step((), Jump("ACCEPT"))
        case Return():
            yield Step((), Jump("RETURN"))
        case Redirect() as action:
            ports = () if action.ports is None else (Option("--to-ports", (_ports(action.ports),)),)
            yield Step((), Jump("REDIRECT", (*ports, *_choice(action.port_choice))))
        case Netmap() as action:
            text = cidr_text(action.network.ranges[0], family)
            if text is None:
                raise AssertionError("the new network of a netmap is one network")
            yield Step((), Jump("NETMAP", (Option("--to", (text,)),)))
        case Tproxy() as action:
            yield Step((), _tproxy(action, family))
        case Balance() as action:
            yield from _balance(action, family)
        case Drop() | SetMark() | Note() | Untrack() | Unknown():
            raise CannotSay("natc only reads such rules, it does not write them")
        case _:
            assert_never(rule.action)


def _snat(action: Snat, family: Family) -> Jump:
    to = Option("--to-source", (_target(action.addresses, action.ports, family),))
    persistent = (Option("--persistent"),) if action.persistent else ()
    return Jump("SNAT", (to, *_choice(action.port_choice), *persistent))


def _dnat(action: Dnat, family: Family) -> Jump:
    text = _target(action.addresses, action.ports, family)
    if action.shift_from is not None:
        text += f"/{action.shift_from}"
    persistent = (Option("--persistent"),) if action.persistent else ()
    options = (Option("--to-destination", (text,)), *_choice(action.port_choice), *persistent)
    return Jump("DNAT", options)


def _target(pool: IntervalSet, ports: IntervalSet | None, family: Family) -> str:
    """Return `a`, `a-b`, `a:p`, `[a-b]:p-q`.

    Raises:
        CannotSay: the pool or the ports are not one range.
    """
    if len(pool.ranges) != 1:
        raise CannotSay(
            "a pool of several ranges has no form in iptables",
            "one rule translates to one range of addresses: split what the rule matches",
        )
    low, high = pool.ranges[0]
    if family is Family.IPV6 and _may_leave(low, high):
        raise CannotSay(
            "the kernel may choose an address outside this range",
            "a range of IPv6 lies within one /96, or begins at a multiple of 2**32",
        )
    text = address.text_of(family, low)
    if high != low:
        text += f"-{address.text_of(family, high)}"
    if ports is None:
        return text
    return f"[{text}]:{_ports(ports)}" if family is Family.IPV6 else f"{text}:{_ports(ports)}"


def _may_leave(low: int, high: int) -> bool:
    """Whether the kernel's choice from a range of IPv6 may lie outside it.

    It chooses each word of 32 bits on its own, and lets those after the first that differs be
    anything.  Source: net/netfilter/nf_nat_core.c, find_best_ips_proto(), Linux 6.18.
    """
    differing = (low ^ high).bit_length()
    free = 0 if differing <= 32 else (differing - 1) // 32 * 32
    return bool(low & ((1 << free) - 1))


def _ports(ports: IntervalSet) -> str:
    if len(ports.ranges) != 1:
        raise CannotSay("several ranges of ports in a target have no form in iptables")
    low, high = ports.ranges[0]
    return str(low) if low == high else f"{low}-{high}"


def _choice(choice: PortChoice) -> tuple[Option, ...]:
    return () if choice is PortChoice.KEEP else (Option(f"--{choice}"),)


def _tproxy(action: Tproxy, family: Family) -> Jump:
    options = [Option("--on-port", (str(action.port),))]
    if action.address is not None:
        options.append(Option("--on-ip", (address.text_of(family, action.address),)))
    options.append(Option("--tproxy-mark", (f"{action.mark:#x}/{action.mask:#x}",)))
    return Jump("TPROXY", tuple(options))


def _balance(action: Balance, family: Family) -> Iterator[Step]:
    """Yield known clients first, then a draw for each backend; the last takes what is left."""
    if action.sticky is not None:
        for backend in action.backends:
            yield Step(
                (_known_client(backend, action.sticky, family),), _dnat(backend.action, family)
            )
    for probability, backend in zip(action.draws(), action.backends, strict=True):
        drawn: list[Match] = []
        if probability is not None:
            drawn.append(
                Match(
                    "statistic",
                    (
                        Option("--mode", ("random",)),
                        Option("--probability", (f"{probability / SHARES:.11f}",)),
                    ),
                )
            )
        if action.sticky is not None:
            drawn.append(_new_client(backend, family))
        yield Step(tuple(drawn), _dnat(backend.action, family))


def _list_name(backend: Backend, family: Family) -> str:
    return f"natc{family.value}-{backend.name}"


def _known_client(backend: Backend, seconds: int, family: Family) -> Match:
    return Match(
        "recent",
        (
            Option("--name", (_list_name(backend, family),)),
            Option("--update"),
            Option("--seconds", (str(seconds),)),
            Option("--rsource"),
        ),
    )


def _new_client(backend: Backend, family: Family) -> Match:
    return Match(
        "recent",
        (
            Option("--name", (_list_name(backend, family),)),
            Option("--set"),
            Option("--rsource"),
        ),
    )
