"""What stands in the kernel, beside what natc remembers of the generation that it put there."""

from natc.address import FAMILIES
from natc.flavours import Flavour
from natc.host.changes import where
from natc.host.gateway import Gateway
from natc.host.generation import Generation
from natc.host.held import State, States, held, place_of, routes_of
from natc.host.store import Store
from natc.targets.iptables.model import Place
from natc.targets.iptables.own import parts


def standing(
    gateway: Gateway, store: Store, current: Generation | None, place: Place, seen: int | None
) -> tuple[bool, States]:
    """Return whether nobody has changed the rules since natc did, and natc's part of them.

    A kernel that has seen no change since needs not be asked for ten thousand rules.

    Args:
        place: where natc's jumps are to stand.
        seen: how many changes the kernel has seen.

    Raises:
        HostError: the rules cannot be had.
    """
    is_nft = gateway.flavour is Flavour.NFT
    left = store.left(current, where()) if current is not None and is_nft else None
    if current is None or left is None or current.place != place or left != seen:
        return False, held(gateway)
    states = {}
    for family in FAMILIES:
        given = current.given(family)
        if given is None:  # It is damaged.
            return False, held(gateway)
        states[family] = State(family, parts(given), gateway.routes(family))
    return set(routes_of(states)) == set(current.routes), states


def is_undisturbed(current: Generation, now: States, place: Place) -> bool:
    """Whether the kernel holds, word for word, what it held after an apply."""
    for family, state in now.items():
        saved = current.saved(family)
        routes = tuple(route for route in current.routes if route.family is family)
        if saved is None:
            if state or routes:
                return False
        elif not state.is_as(State(family, parts(saved), routes), place):
            return False
    return True


def place_before(current: Generation | None, before: States) -> Place:
    """Return where jumps go back to of which the rules around do not tell."""
    return place_of(before) if current is None else Place(current.place)
