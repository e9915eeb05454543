"""`natc watch`: rules that follow the health of servers, as a service.

Everything runs in one thread but what waits for the kernel or for natc's lock, which is done in
another one, one thing at a time: so tests go on meanwhile, and signals are heard.
"""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import ParamSpec, TypeVar

from natc import __version__
from natc.address import Family
from natc.diagnostics import PolicyError
from natc.diagnostics.text import concise
from natc.host.applying import Applied, apply
from natc.host.errors import HostError
from natc.host.gateway import Gateway
from natc.host.generation import Generation
from natc.host.policy import Wanted, wanted
from natc.host.store import Store
from natc.host.watching.checking import Checks
from natc.host.watching.journal import Log, Priority, Seldom
from natc.host.watching.metrics import Metrics
from natc.host.watching.notify import Notifier
from natc.host.watching.serving import Down, Server, checked, unserved
from natc.host.watching.swap import Drifted, Superseded, backend_of, drift, meaning_of, repair, swap
from natc.ir.policy import HealthCheck, Policy
from natc.record import Record
from natc.targets.iptables.model import Place

POLL = 0.25
"""Seconds between looks whether somebody has applied another policy."""

AGAIN = 1.0
"""Seconds until a change that failed is tried again."""

REPORT = 5.0
"""Seconds between writings of the metrics, which are also written at every change."""

STUCK = 120.0
"""Seconds after which work that does not end keeps the watchdog from hearing of natc."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Options(Record):
    """What the administrator wants of it.

    Attributes:
        is_repairing: whether drift is undone, and not only told.
        look_every: seconds between looks for drift.
        metrics: the file for metrics; None for none.
    """

    is_repairing: bool = False
    look_every: float = 30.0
    metrics: Path | None = None


class Watched(Record):
    """The generation in the kernel.

    Attributes:
        policy: what it means; None where that is not known, and so nothing is followed.
    """

    generation: Generation
    policy: Policy | None


class Watch:
    """The service."""

    def __init__(
        self, gateway: Gateway, store: Store, log: Log, notifier: Notifier, options: Options
    ) -> None:
        """Say what it works on; nothing is done before `run`."""
        self._gateway = gateway
        self._store = store
        self._log = log
        self._notifier = notifier
        self._options = options
        self._metrics = Metrics()
        self._watched: Watched | None = None
        self._mark: object = ()  # Which generation was seen last; `()` is none yet.
        self._serving: Down | None = None  # What the kernel holds, as far as that is known here.
        self._drifted: Drifted = ()
        self._seldom = Seldom()
        self._working_since: float | None = None

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT; the rules stay as they are."""
        try:
            asyncio.run(self._serve())
        except BaseExceptionGroup as group:  # One of its tasks has a bug: it is that one's.
            raise group.exceptions[0] from None

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        self._hands = asyncio.Lock()
        self._changed, self._reload, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)
        for ending in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(ending, stop.set)
        async with asyncio.TaskGroup() as group:
            self._checks = Checks(group, self._log, self._metrics, self._changed.set)
            await self._look_at_current()
            self._log.say("start", f"natc {__version__} follows the health of servers")
            self._notifier.ready(self._status())
            jobs: list[Callable[[], Awaitable[None]]] = [
                self._follow_applies,
                self._follow_health,
                self._follow_drift,
                self._reload_when_told,
                self._live,
                self._report,
            ]
            tasks = [group.create_task(_awaited(job)) for job in jobs]
            await stop.wait()
            self._notifier.stopping()
            self._log.say("stop", "ends; the rules stay as they are")
            self._checks.stop()
            for task in tasks:
                task.cancel()
        self._write_metrics()

    async def _in_hand(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Do what waits for others in another thread, one thing at a time."""
        async with self._hands:
            self._working_since = time.monotonic()
            try:
                return await asyncio.to_thread(work, *args, **kwargs)
            finally:
                self._working_since = None

    # What is in the kernel.

    async def _follow_applies(self) -> None:
        while True:
            await asyncio.sleep(POLL)
            if self._store.mark() != self._mark:
                await self._look_at_current()

    async def _look_at_current(self) -> None:
        """Follow the servers of the generation that is in the kernel now."""
        mark = self._store.mark()
        self._watched, self._serving = await self._in_hand(self._current), None
        self._mark = mark
        self._follow(self._watched)
        self._notifier.status(self._status())
        self._drifted = ()
        self._changed.set()

    def _follow(self, watched: Watched | None) -> None:
        servers: Mapping[Server, HealthCheck] = {}
        down: Down = frozenset()
        self._metrics.generation = None
        if watched is not None:
            self._metrics.generation = watched.generation.number
            servers = {} if watched.policy is None else checked(watched.policy)
            served = watched.generation.served
            down = down if served is None else served.down
        self._checks.follow(servers, down)
        self._log.say("generation", self._status())

    def _current(self) -> Watched | None:
        try:
            generation = self._store.current
        except HostError as error:
            self._complain(error)
            return None
        if generation is None:
            return None
        if generation.is_empty:
            return Watched(generation, None)
        try:
            return Watched(generation, meaning_of(generation))
        except (HostError, PolicyError) as error:
            self._complain(error)
            return Watched(generation, None)

    def _status(self) -> str:
        if self._watched is None:
            return "natc has put no rules in place: waiting for `natc apply`"
        number, name = self._watched.generation.number, self._watched.generation.name
        if self._watched.policy is None:
            why = "nothing to follow" if not name else f"{name} is not known any more"
            return f"generation {number}: {why}"
        count, down = self._checks.count, len(self._checks.down)
        what = f"{count} server{'' if count == 1 else 's'}, {down} down"
        return f"generation {number}, {name}: {what if count else 'no servers to check'}"

    # Which servers serve.

    async def _follow_health(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            watched, down = self._watched, self._checks.down
            if watched is None or watched.policy is None or down == self._serving:
                continue
            try:
                done = await self._in_hand(
                    swap, self._gateway, self._store, watched.generation, watched.policy, down
                )
            except Superseded:
                await self._look_at_current()
            except (HostError, PolicyError) as error:
                self._metrics.failures += 1
                self._complain(error)
                asyncio.get_running_loop().call_later(AGAIN, self._changed.set)
            else:
                self._tell_of(done.notes, watched.policy, down, is_swap=bool(done.families))
                self._serving = down
            self._write_metrics()

    def _tell_of(
        self, notes: tuple[str, ...], policy: Policy, down: Down, *, is_swap: bool
    ) -> None:
        for note in notes:
            self._log.say("recovered", note, Priority.WARNING)
        alone = unserved(policy, down)
        if is_swap:
            self._metrics.swaps += 1
            self._log.say("swap", _avoided(policy, down, alone))
        for rule, family in sorted(alone):
            text = f"{rule}: no {family} server is up; all of its backends serve as if they were"
            if self._seldom.is_due(text) or is_swap:
                self._log.say("no-server", text, Priority.ERROR, rule=rule)
        self._notifier.status(self._status())

    # What others do to the rules.

    async def _follow_drift(self) -> None:
        while True:
            watched = self._watched
            if watched is not None and watched.policy is not None:
                try:
                    await self._look_for_drift(watched.generation, watched.policy)
                except Superseded:
                    pass  # `_follow_applies` sees it too.
                except HostError as error:
                    self._complain(error)
            await asyncio.sleep(self._options.look_every)

    async def _look_for_drift(self, generation: Generation, policy: Policy) -> None:
        what = (self._gateway, self._store, generation, policy)
        found = await self._in_hand(drift, *what)
        if found and found != self._drifted:
            parts = ", ".join(f"{family} {part}" for family, part in found)
            self._log.say("drift", f"others have changed natc's rules: {parts}", Priority.WARNING)
        if found and self._options.is_repairing and await self._in_hand(repair, *what):
            self._metrics.repairs += 1
            self._log.say("repair", "natc's rules are as they were", Priority.NOTICE)
            found = ()
        is_news = self._metrics.drift != len(found)
        self._drifted, self._metrics.drift = found, len(found)
        if is_news:
            self._write_metrics()

    # What the administrator tells it.

    async def _reload_when_told(self) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            self._notifier.reloading()
            try:
                done = await self._in_hand(self._apply_again)
            except (HostError, PolicyError) as error:
                self._complain(error, always=True)
            else:
                what = "is in place" if done.changed else "is in place already"
                name = done.generation.name if done.generation else "no policy"
                for note in (*done.notes, f"{name} {what}"):
                    self._log.say("reload", note)
                self._seldom.forget()
            await self._look_at_current()
            self._notifier.ready(self._status())

    def _apply_again(self) -> Applied:
        now = self._store.current
        if now is None or now.is_empty:
            raise HostError("natc has put no policy in place that could be read again")
        if now.policy == "-":
            raise HostError("the policy came by standard input, and cannot be read again")
        again = wanted(now.policy, now.node, now.settings)
        return applied(again, self._gateway, self._store, now)

    # What it tells.

    async def _live(self) -> None:
        """Give the watchdog its signs of life, twice as often as it wants them."""
        if self._notifier.watchdog is None:
            return
        while True:
            since = self._working_since
            if since is None or time.monotonic() - since < STUCK + self._gateway.wait:
                self._notifier.alive()
            await asyncio.sleep(self._notifier.watchdog / 2)

    async def _report(self) -> None:
        while self._options.metrics is not None:
            self._write_metrics()
            await asyncio.sleep(REPORT)

    def _write_metrics(self) -> None:
        if self._options.metrics is not None:
            try:
                self._metrics.write(self._options.metrics)
            except HostError as error:
                self._complain(error)

    def _complain(self, error: HostError | PolicyError, *, always: bool = False) -> None:
        text = concise(error.diagnostics) if isinstance(error, PolicyError) else str(error)
        for line in text.splitlines():
            if always or self._seldom.is_due(line):
                self._log.say("error", line, Priority.ERROR)


def _avoided(policy: Policy, down: Down, alone: frozenset[tuple[str, Family]]) -> str:
    """Say which servers take no new connections; those of rules without a server all do."""
    out = [
        f"{server.text} of {server.rule}"
        for server in checked(policy)
        if server.key in down and (server.rule, server.family) not in alone
    ]
    if out:
        return f"new connections avoid {', '.join(sorted(out))}"
    return "all servers serve, whether they are up or not" if alone else "all servers serve"


async def _awaited(job: Callable[[], Awaitable[None]]) -> None:
    await job()


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
