"""Sentences to statements of the syntax tree."""

from collections.abc import Iterator

from natc.address import Family
from natc.dsl import ast
from natc.importers import ipsets, marks, sets
from natc.importers.interfaces import NO_ZONES, Zones, interfaces
from natc.importers.remarks import Unsayable
from natc.importers.sentences import OneToOne, Sentence
from natc.importers.targets import options, target
from natc.importers.zones import GATEWAY
from natc.ir.actions import Accept, Balance, Dnat, Hook, Masquerade, Redirect, Snat, Tproxy
from natc.ir.conditions import Draw, Opaque
from natc.ir.fields import NO_USER, Field, universe

_ANYWHERE = ast.String("+")
_BOTH_PHASES = frozenset({Hook.OUTPUT, Hook.POSTROUTING})


def statement(sentence: Sentence, family: Family, zones: Zones = NO_ZONES) -> ast.Rule | ast.Static:
    """Return the statement of a sentence, without its name and comments.

    Args:
        zones: what names of zones mean where interfaces stand.

    Raises:
        Unsayable: the language has none.
    """
    if sentence.phrase.draws:
        raise Unsayable("a draw that no `balance` has", Draw)
    if sentence.phrase.known:
        raise Unsayable("only a whole `balance` knows its clients (`recent`)", Opaque)
    does = sentence.does
    if isinstance(does, OneToOne):
        return _static(sentence, does, family)
    verb = _verb(sentence)
    clauses = (*_family(sentence, family), *_matches(sentence, family, zones))
    if isinstance(does, Masquerade):
        _check_ports(sentence, does)
        return ast.Rule(verb, (*clauses, *options(does)))
    if isinstance(does, Accept):
        return ast.Rule(verb, clauses)
    turns_round = (ast.Clause("hairpin"),) if sentence.hairpin else ()
    after = (*options(does), *turns_round, *_spared(sentence))
    return ast.Rule(verb, clauses, target(does, family), after)


def _static(sentence: Sentence, does: OneToOne, family: Family) -> ast.Static:
    clauses = tuple(ast.Clause("on", ast.Name(side.name)) for side in sentence.sides)
    inside, outside = (
        ast.Address(sets.range_text(side, family)) for side in (does.inside, does.outside)
    )
    return ast.Static(inside, outside, clauses)


def _check_ports(sentence: Sentence, does: Masquerade) -> None:
    """Refuse ports for packets that may have none: in the language they get none."""
    services = sentence.phrase.services
    is_whole = services is not None and services.has_ports
    if does.ports is not None and not is_whole and len(sentence.parts) == 1:
        raise Unsayable("ports for protocols that have none")


def _verb(sentence: Sentence) -> str:
    match sentence.does:
        case Accept():
            return "exempt"
        case Snat():
            return "snat"
        case Masquerade():
            return "masquerade"
        case Redirect() | Tproxy():
            return "transparent-proxy"
        case Balance():
            return "balance"
        case Dnat(_, ports):
            services = sentence.phrase.services
            has_ports = services is not None and services.has_ports
            names_ports = ports is not None or _names_ports(sentence)
            return "port-forward" if has_ports and names_ports else "dnat"
        case _:
            raise Unsayable("NETMAP in one direction alone, and `static` is for both")


def _names_ports(sentence: Sentence) -> bool:
    services = sentence.phrase.services
    return services is not None and any(0 < ports.size <= 65535 for ports in services.ports)


def _family(sentence: Sentence, family: Family) -> Iterator[ast.Clause]:
    """Yield the word `ipv6` where no address says it."""
    says = sentence.phrase.source is not None or sentence.phrase.destination is not None
    if isinstance(sentence.does, Snat | Dnat | Balance):
        says = True
    if isinstance(sentence.does, Tproxy) and sentence.does.address is not None:
        says = True
    if family is Family.IPV6 and not says:
        yield ast.Clause("ipv6")


def _matches(sentence: Sentence, family: Family, zones: Zones) -> Iterator[ast.Clause]:
    said = sentence.phrase
    if said.services is not None:
        yield ast.Clause("service", sets.services(said.services))
    if said.sport is not None:
        yield ast.Clause("sport", sets.ports(said.sport))
    if said.source is not None:
        yield ast.Clause("from", sets.addresses(said.source, family))
    if said.is_local:
        if isinstance(sentence.does, Accept):
            raise Unsayable("`exempt` cannot ask whether the destination is local")
        yield ast.Clause("on", ast.Name(GATEWAY))
    yield from _sides(sentence, zones)
    if said.destination is not None:
        yield ast.Clause("to", sets.addresses(said.destination, family))
    if said.users is not None and not _spares(sentence):
        yield ast.Clause("user", sets.users(said.users))
    mark = marks.expression(said.marks)
    if mark is not None:
        yield ast.Clause("mark", mark)
    for found in ipsets.expressions(said.sets):
        yield ast.Clause("set", found)


# Where packets come from or go to.


def _sides(sentence: Sentence, zones: Zones) -> Iterator[ast.Clause]:
    values, hooks = sentence.phrase.interfaces, sentence.hooks
    said = None if values is None else interfaces(values, zones)
    if isinstance(sentence.does, Snat | Masquerade):
        if said is not None:
            yield ast.Clause("out", said)
        return
    exempts = isinstance(sentence.does, Accept)
    has_user = sentence.phrase.users is not None and not _spares(sentence)
    if hooks == {Hook.POSTROUTING}:
        yield ast.Clause("out", said or _ANYWHERE)
    elif hooks == {Hook.OUTPUT}:
        if exempts or not has_user:
            yield ast.Clause("in", ast.Name("local"))
    elif hooks == {Hook.PREROUTING, Hook.OUTPUT} and not sentence.hairpin:
        yield ast.Clause("in", _and_local(said or _ANYWHERE))
    elif exempts and len(hooks & _BOTH_PHASES) > 1:
        pass
    elif said is not None or exempts:
        yield ast.Clause("in", said or _ANYWHERE)


def _and_local(interfaces: ast.SetExpr) -> ast.SetExpr:
    items = interfaces.items if isinstance(interfaces, ast.Braces) else (ast.Item(interfaces),)
    return ast.Braces((*items, ast.Item(ast.Name("local"))))


# Users whom a proxy spares.


def _spares(sentence: Sentence) -> bool:
    """Whether a redirection of the gateway's own packets names the users that it leaves alone."""
    users = sentence.phrase.users
    return isinstance(sentence.does, Redirect) and users is not None and NO_USER in users


def _spared(sentence: Sentence) -> Iterator[ast.Clause]:
    users = sentence.phrase.users
    if users is None or not _spares(sentence):
        return
    spared = sets.users(universe(Field.USER, Family.IPV4) - users)
    if isinstance(spared, ast.Not):
        raise Unsayable("packets of all users but some, and those without", Field.USER)
    yield ast.Clause("except", spared)
