"""Ways to hand rules to the kernel."""

from collections.abc import Mapping, Sequence
from typing import Literal

from natc.host.errors import HostError
from natc.host.gateway import Gateway, Refusal, hint
from natc.host.held import State, held, transactions
from natc.host.rehearsal import rehearse
from natc.record import Record
from natc.targets.iptables.model import Place

Backend = Literal["restore", "libiptc"]
BACKENDS: tuple[Backend, ...] = ("restore", "libiptc")

_TRIES = 3


class Hands(Record):
    """What a backend works with.

    Attributes:
        kept: open files that the programs it runs must hold as long as they run.
        environment: what their environment must say, beside natc's own.
    """

    gateway: Gateway
    place: Place
    kept: Sequence[int]
    environment: Mapping[str, str]


def put(backend: Backend, hands: Hands, before: State, after: State) -> None:
    """Have the kernel hold `after` in one family, where it holds `before`.

    Raises:
        HostError: it does not take it; some tables may hold it nevertheless.
    """
    if before.routes != after.routes:
        hands.gateway.set_routes(after.family, after.routes, hands.kept)
    if backend == "libiptc":
        from natc.host import libiptc  # noqa: PLC0415 - python-iptables may be missing

        libiptc.put(hands, before, after)
    else:
        _restore(hands, before, after)


def _restore(hands: Hands, before: State, after: State) -> None:
    """By iptables-restore, the host's own."""
    gateway, place = hands.gateway, hands.place
    for _ in range(_TRIES):
        text = transactions(before, after, place)
        if not text:
            return
        try:
            gateway.restore(after.family, text, hands.kept, hands.environment)
        except Refusal as refusal:
            now = held(gateway)[after.family]
            if now.parts == before.parts:
                message = _reason(gateway, after, refusal)
                raise HostError(message, hint(str(refusal))) from None
            before = now  # Somebody came between the look and the change.
        else:
            return
    raise HostError("another program changes natc's jumps again and again")


def _reason(gateway: Gateway, after: State, refusal: Refusal) -> str:
    """Say which rule the kernel refuses."""
    fresh = transactions(State(after.family, {}), after, Place.FIRST)
    rehearse(gateway, {after.family: fresh})  # It says so itself, with the rule.
    return f"{gateway.program(after.family, '-restore')} failed: {refusal}"
