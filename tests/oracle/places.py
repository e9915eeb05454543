"""Where an address is at home, and which are the gateway's own."""

from natc.address import Family
from natc.dsl import ast
from natc.packet import Packet
from tests.oracle.scope import Place, Scope
from tests.oracle.sets import has_address
from tests.oracle.words import bounds, text_of


def homes(scope: Scope, family: Family, address: int) -> list[Place]:
    """Return the zones and networks that hold `address` in their subnet."""
    return [
        place
        for place in scope.places.values()
        if any(has_address(scope, subnet, family, address) for subnet in place.subnets)
    ]


def is_own_address(scope: Scope, zone: object, packet: Packet) -> bool:
    """Say whether the destination is one of the gateway's addresses in `zone`."""
    place = scope.places[text_of(zone)]
    if place.dynamic:
        return (packet.family, packet.destination) in scope.world.local
    return any(
        has_address(scope, own, packet.family, packet.destination) for own in place.addresses
    )


def first_address(place: Place, family: Family) -> int | None:
    """Return the gateway's first address there, None where the policy says none."""
    if place.dynamic:
        return None
    for expression in place.addresses:
        written = expression.items if isinstance(expression, ast.Braces) else [expression]
        for item in written:
            value = item.value if isinstance(item, ast.Item) else item
            found, low, _ = bounds(text_of(value))
            if found is family:
                return low
    return None
