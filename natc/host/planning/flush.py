"""Deletes the connections that an apply strands, those that are certain, and no others.

Without `--confirm` that happens at once.  With it, it happens when the rules are confirmed: rules
that are taken back find every connection as it was, the administrator's own among them, and nothing
that could not be taken back happens before somebody has said that all is well.
"""

import json
from pathlib import Path

from natc.address import Family
from natc.host.errors import HostError
from natc.host.generation import Generation
from natc.host.planning import conntrack
from natc.host.planning.connections import Judges
from natc.host.planning.conntrack import Name
from natc.host.planning.prospect import Prospect, Unreadable
from natc.host.store import Store
from natc.writing import replace_file


class Flush:
    """What is ready before a change, to be used after it.

    All that may fail comes first: what the rules mean, and whether the kernel lets natc look at
    connections.  They are judged after the change, so that what begins under the old rules until
    then is not missed; one that begins under the new rules is translated as these say, and so is
    never among those found.
    """

    def __init__(self, prospect: Prospect) -> None:
        """Prepare.

        Raises:
            HostError: it cannot be done.
        """
        try:
            self._judges = Judges(prospect)
        except Unreadable as error:
            message = f"natc cannot tell which connections the rules strand: {error}"
            raise HostError(message, "--flush-conntrack none leaves them alone") from None
        conntrack.connections()

    def delete(self) -> int:
        """Delete them at once; return how many there were.

        Raises:
            HostError: the kernel does not let it.
        """
        return conntrack.delete(self._certain())

    def leave(self, store: Store, generation: Generation) -> int:
        """Remember them for when a generation is confirmed; return how many there are.

        Raises:
            HostError: that cannot be done.
        """
        names = self._certain()
        rows = [
            [int(name.family), name.key.hex(), name.reply.hex(), name.number.hex(), name.zone]
            for name in names
        ]
        whole = {"generation": generation.number, "connections": rows}
        path = _file(store)
        try:
            replace_file(path, json.dumps(whole) + "\n", guarded=True)
        except OSError as error:
            raise HostError(f"cannot write {path}: {error.strerror or error}") from None
        return len(names)

    def _certain(self) -> list[Name]:
        return [one.connection.name for one in self._judges.stranded() if one.is_certain]


def delete_left(store: Store, generation: Generation | None) -> int | None:
    """Delete what was remembered for a generation; return how many, None where nothing was.

    Raises:
        HostError: the kernel does not let it.
    """
    path = _file(store)
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
        path.unlink()
        if generation is None or whole["generation"] != generation.number:
            return None
        names = {_name(*row) for row in whole["connections"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    # One that has begun anew meanwhile is translated as the rules say.
    here = (one.name for one in conntrack.connections())
    return conntrack.delete([name for name in here if name in names])


def _name(family: int, key: str, reply: str, number: str, zone: int) -> Name:
    to_bytes = bytes.fromhex
    return Name(Family(family), to_bytes(key), to_bytes(reply), to_bytes(number), zone)


def _file(store: Store) -> Path:
    return store.passing / "stranded.json"
