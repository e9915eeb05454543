"""The generation that the service follows: which one it is, and putting its policy in place."""

from collections.abc import Callable

from natc.diagnostics import PolicyError
from natc.host.applied import Applied
from natc.host.applying import apply
from natc.host.errors import HostError
from natc.host.gateway import Gateway
from natc.host.generation import Generation
from natc.host.policy import Wanted, wanted
from natc.host.store import Store
from natc.host.watching.swap import backend_of, meaning_of
from natc.ir.policy import Policy
from natc.record import Record
from natc.targets.iptables.model import Place


class Followed(Record):
    """The generation in the kernel.

    Attributes:
        policy: what it means; None where that is not known, and so nothing is followed.
    """

    generation: Generation
    policy: Policy | None


def followed(store: Store, complain: Callable[[HostError | PolicyError], None]) -> Followed | None:
    """Return the generation that is in the kernel now; None where it is not known, or is none.

    Args:
        complain: is told why it, or its meaning, is not known.
    """
    try:
        generation = store.current
    except HostError as error:
        complain(error)
        return None
    if generation is None:
        return None
    if generation.is_empty:
        return Followed(generation, None)
    try:
        return Followed(generation, meaning_of(generation))
    except (HostError, PolicyError) as error:
        complain(error)
        return Followed(generation, None)


def status(watched: Followed | None, count: int, down: int) -> str:
    """Say in a line what is followed.

    Args:
        count: how many servers are tested.
        down: how many of them are down.
    """
    if watched is None:
        return "natc has put no rules in place: waiting for `natc apply`"
    number, name = watched.generation.number, watched.generation.name
    if watched.policy is None:
        why = "nothing to follow" if not name else f"{name} is not known any more"
        return f"generation {number}: {why}"
    what = f"{count} server{'' if count == 1 else 's'}, {down} down"
    return f"generation {number}, {name}: {what if count else 'no servers to check'}"


def applied(
    policy: Wanted, gateway: Gateway, store: Store, like: Generation | None = None
) -> Applied:
    """Put a policy in place, where and by the backend that the generation `like` was.

    Raises:
        HostError: it could not be done; the gateway is as it was.
    """
    if like is None:
        return apply(policy, gateway, store)
    return apply(policy, gateway, store, place=Place(like.place), backend=backend_of(like))


def apply_again(gateway: Gateway, store: Store) -> Applied:
    """Read the policy that is in place again, and put it in place as it is now.

    Raises:
        PolicyError: every problem of the policy.
        HostError: it could not be done; the gateway is as it was.
    """
    now = store.current
    if now is None or now.is_empty:
        raise HostError("natc has put no policy in place that could be read again")
    if now.policy == "-":
        raise HostError("the policy came by standard input, and cannot be read again")
    again = wanted(now.policy, now.node, now.settings)
    return applied(again, gateway, store, now)
