"""The health of all servers of a policy, each tested at its own pace."""

import asyncio
import time
from collections.abc import Callable, Mapping

from natc.host.watching.health import Health, Result, probe
from natc.host.watching.journal import Log, Priority
from natc.host.watching.metrics import Metrics
from natc.host.watching.serving import Down, Key, Server
from natc.ir.policy import HealthCheck

AT_ONCE = 200
"""Tests that may be under way at a time: each holds a file open, and a process has 1024."""


class Checks:
    """Tests servers, and remembers how they are."""

    def __init__(
        self, group: asyncio.TaskGroup, log: Log, metrics: Metrics, changed: Callable[[], None]
    ) -> None:
        """Begin without servers.

        Args:
            group: that the tests run in.
            changed: is called whenever a server has come up or gone down.
        """
        self._group = group
        self._log = log
        self._metrics = metrics
        self._changed = changed
        self._room = asyncio.Semaphore(AT_ONCE)
        self._servers: dict[Server, HealthCheck] = {}
        self._health: dict[Key, Health] = {}
        self._tasks: dict[Server, asyncio.Task[None]] = {}

    @property
    def down(self) -> Down:
        """The servers that are down."""
        return frozenset(key for key, health in self._health.items() if not health.is_up)

    @property
    def count(self) -> int:
        """How many servers there are."""
        return len(self._servers)

    def follow(self, servers: Mapping[Server, HealthCheck], down: Down) -> None:
        """Test these servers from now on.

        Args:
            down: those of which nothing is known here, and that are down; others count as up.
        """
        for server, task in list(self._tasks.items()):
            if servers.get(server) != self._servers[server]:
                task.cancel()
                del self._tasks[server]
        known = self._health
        self._health = {
            server.key: known.get(server.key, Health(server.key not in down)) for server in servers
        }
        self._servers = dict(servers)
        self._metrics.keep(self._health)
        for server, check in servers.items():
            self._metrics.up[server.key] = self._health[server.key].is_up
            if server.port is None:
                self._say(server, "unchecked", "cannot be tested: its rule takes all ports")
            elif server not in self._tasks:
                self._tasks[server] = self._group.create_task(self._tests(server, check))

    def stop(self) -> None:
        """Test nothing any more."""
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()

    async def _tests(self, server: Server, check: HealthCheck) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            async with self._room:
                result = await probe(server, check)
            self._note(server, check, result)
            due = max(due + check.every, loop.time())
            await asyncio.sleep(due - loop.time())

    def _note(self, server: Server, check: HealthCheck, result: Result) -> None:
        key = server.key
        self._metrics.checks[key, result.is_good] += 1
        self._metrics.checked_at[key] = time.time()
        before = self._health[key]
        now = before.after(result, check)
        self._health[key] = now
        if now.is_up is before.is_up:
            return
        self._metrics.up[key] = now.is_up
        word = "up" if now.is_up else "down"
        self._say(server, f"server-{word}", f"is {word}: {result.reason}")
        self._changed()

    def _say(self, server: Server, event: str, what: str) -> None:
        rule, text = server.key
        priority = Priority.NOTICE if event == "server-up" else Priority.WARNING
        self._log.say(event, f"{rule}: {text} {what}", priority, rule=rule, server=text)
