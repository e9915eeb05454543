"""Neighbours that one statement can say are joined."""

from collections.abc import Iterable

from natc.importers.balances import balanced
from natc.importers.masquerades import with_ports
from natc.importers.sentences import Line, together


def joined(lines: Iterable[Line]) -> list[Line]:
    """Return the same in fewer statements; nothing is moved past anything else.

    From { A, B } to { C, D } the kernel has four rules, AC, AD, BC, BD: the last joins BC, and then
    both join the first two.
    """
    made: list[Line] = []
    for line in balanced(lines):
        made.append(line)
        while len(made) > 1:
            both = together(*made[-2:]) or with_ports(*made[-2:])
            if both is None:
                break
            made[-2:] = [both]
    return made
