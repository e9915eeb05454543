"""What one statement says in several hooks.

A key is what sentences of two hooks must have in common to be one statement; None is no such
statement.
"""

from collections.abc import Hashable

from natc.importers.labels import Label
from natc.importers.remarks import Unsayable
from natc.importers.sentences import OneToOne, Sentence
from natc.importers.zones import side
from natc.ir.actions import Accept, Balance, Dnat, Hook, Netmap, PortChoice, Redirect, Side, Snat
from natc.ir.fields import NO_USER
from natc.ir.intervals import IntervalSet
from natc.record import replace

_EVERYWHERE = ({Hook.PREROUTING, Hook.OUTPUT}, {Hook.POSTROUTING})


def arrival_key(sentence: Sentence) -> Hashable:
    """Return what a rule for arriving packets shares with one for the gateway's own."""
    said, does = sentence.phrase, sentence.does
    if not isinstance(does, Accept | Dnat | Redirect | Balance) or said.draws:
        return None
    if said.users is not None and not (isinstance(does, Redirect) and NO_USER in said.users):
        return None
    return does, replace(said, interfaces=None, users=None)


def arriving_or_local(arriving: Sentence, local: Sentence) -> Sentence:
    """Return the statement for packets that arrive and for the gateway's own."""
    said = replace(arriving.phrase, users=local.phrase.users)
    return replace(_both(arriving, local), phrase=said)


def phase_key(sentence: Sentence) -> Hashable:
    """Return what a rule of the destination phase shares with one of the source phase."""
    said, does = sentence.phrase, sentence.does
    if isinstance(does, Accept):
        is_everywhere = sentence.hooks in _EVERYWHERE or (
            sentence.hooks == {Hook.OUTPUT} and said.users is not None
        )
        return said if is_everywhere and said.interfaces is None else None
    found = one_to_one(sentence)
    return None if found is None else (found, said.interfaces)


def both_phases(turned: Sentence, leaving: Sentence) -> Sentence:
    """Return the statement for both phases."""
    found = one_to_one(turned)
    both = _both(turned, leaving)
    if found is None:
        return both
    on = turned.phrase.interfaces
    return replace(both, does=found, sides=() if on is None else (side(on),))


def one_to_one(sentence: Sentence) -> OneToOne | None:
    """Return what `static` says, when one direction of it is all that a sentence says."""
    said = sentence.phrase
    source, destination = said.source, said.destination
    bare = replace(said, source=None, destination=None, interfaces=None)
    if bare != type(said)() or len(sentence.parts) != 1:
        return None
    sides: tuple[IntervalSet | None, IntervalSet | None] | None
    match sentence.does:
        case Netmap(Side.DESTINATION, new) | Dnat(new, None, None, False, PortChoice.KEEP):
            sides = (new, destination) if source is None else None
            hook = Hook.PREROUTING
        case Netmap(Side.SOURCE, new) | Snat(new, None, False, PortChoice.KEEP):
            sides = (source, new) if destination is None else None
            hook = Hook.POSTROUTING
        case _:
            return None
    if sides is None or sentence.hooks != {hook}:
        return None
    inside, outside = sides
    if inside is None or outside is None or not _is_fit(inside, outside, sentence):
        return None
    return OneToOne(inside, outside)


def _is_fit(inside: IntervalSet, outside: IntervalSet, sentence: Sentence) -> bool:
    """Whether both sides are as large, one host for DNAT and SNAT, on what a zone can name."""
    if inside.size != outside.size or len(inside.ranges) != 1 or len(outside.ranges) != 1:
        return False
    if inside.size > 1 and not isinstance(sentence.does, Netmap):
        return False
    on = sentence.phrase.interfaces
    try:
        return on is None or bool(side(on))
    except Unsayable:
        return False


def _both(one: Sentence, other: Sentence) -> Sentence:
    links = tuple(dict.fromkeys((*one.links, *other.links)))
    mine, theirs = one.label, other.label
    comments = tuple(dict.fromkeys((*mine.comments, *theirs.comments)))
    allowed = tuple(dict.fromkeys((*mine.allowances, *theirs.allowances)))
    label = Label(mine.name or theirs.name, comments, allowances=allowed)
    return replace(one, parts=one.parts + other.parts, links=links, label=label)
