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
from natc.diagnostics import PolicyError
from natc.host.errors import HostError
from natc.host.gateway import Gateway
from natc.host.generation import Generation
from natc.host.store import Store
from natc.host.watching.checking import Checks
from natc.host.watching.followed import Followed, apply_again, followed, status
from natc.host.watching.journal import Log, Priority
from natc.host.watching.notify import Notifier
from natc.host.watching.serving import Down, Server, checked
from natc.host.watching.swap import Drifted, Superseded, drift, repair, swap
from natc.host.watching.telling import Telling
from natc.ir.policy import HealthCheck, Policy
from natc.record import Record

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


class Watch:
    """The service."""

    def __init__(
        self, gateway: Gateway, store: Store, log: Log, notifier: Notifier, options: Options
    ) -> None:
        """Say what it works on; nothing is done before `run`."""
        self._gateway = gateway
        self._store = store
        self._options = options
        self._notifier = notifier
        self._telling = Telling(log, options.metrics)
        self._log, self._metrics = log, self._telling.metrics
        self._watched: Followed | None = None
        self._mark: object = ()  # Which generation was seen last; `()` is none yet.
        self._serving: Down | None = None  # What the kernel holds, as far as that is known here.
        self._drifted: Drifted = ()
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
        self._telling.write_metrics()

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
        watched = await self._in_hand(followed, self._store, self._telling.complain)
        self._watched, self._serving = watched, None
        self._mark = mark
        self._follow(self._watched)
        self._notifier.status(self._status())
        self._drifted = ()
        self._changed.set()

    def _follow(self, watched: Followed | None) -> None:
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
                self._telling.complain(error)
                asyncio.get_running_loop().call_later(AGAIN, self._changed.set)
            else:
                self._telling.swapped(done, watched.policy, down)
                self._notifier.status(self._status())
                self._serving = down
            self._telling.write_metrics()

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
                    self._telling.complain(error)
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
            self._telling.write_metrics()

    # What the administrator tells it.

    async def _reload_when_told(self) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            self._notifier.reloading()
            try:
                done = await self._in_hand(apply_again, self._gateway, self._store)
            except (HostError, PolicyError) as error:
                self._telling.complain(error, always=True)
            else:
                what = "is in place" if done.changed else "is in place already"
                name = done.generation.name if done.generation else "no policy"
                for note in (*done.notes, f"{name} {what}"):
                    self._log.say("reload", note)
                self._telling.forget()
            await self._look_at_current()
            self._notifier.ready(self._status())

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
            self._telling.write_metrics()
            await asyncio.sleep(REPORT)

    def _status(self) -> str:
        return status(self._watched, self._checks.count, len(self._checks.down))


async def _awaited(job: Callable[[], Awaitable[None]]) -> None:
    await job()
