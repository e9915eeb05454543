"""What `natc watch` counts, as Prometheus reads it from node_exporter's textfile collector.

Source: prometheus.io/docs/instrumenting/exposition_formats, the text format.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from natc.host.errors import HostError
from natc.host.watching.serving import Key
from natc.record import Record
from natc.writing import replace_file

Sample = tuple[dict[str, str], float]


class Metrics:
    """The numbers.

    Attributes:
        checks: by server and whether the test was good.
        swaps: changes of which servers serve.
        repairs: times that drift was undone.
        failures: times that the rules could not be changed.
        drift: families and tables that others changed, at the last look; None if nobody looked.
        generation: the current one; None if there is none.
        checked_at: of each server, when it was last tested, in seconds since 1970.
    """

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self.up: dict[Key, bool] = {}
        self.checks: Counter[tuple[Key, bool]] = Counter()
        self.swaps = 0
        self.repairs = 0
        self.failures = 0
        self.drift: int | None = None
        self.generation: int | None = None
        self.checked_at: dict[Key, float] = {}

    def keep(self, servers: Iterable[Key]) -> None:
        """Forget all other servers."""
        kept = set(servers)
        self.up = {key: up for key, up in self.up.items() if key in kept}
        self.checked_at = {key: at for key, at in self.checked_at.items() if key in kept}
        self.checks = Counter({of: count for of, count in self.checks.items() if of[0] in kept})

    def text(self) -> str:
        """Return all of it."""
        return "".join(metric.text() for metric in self._metrics())

    def write(self, path: Path) -> None:
        """Put it in a file, whole.

        Raises:
            HostError: it cannot be written.
        """
        try:
            replace_file(path, self.text())
        except OSError as error:
            raise HostError(f"cannot write {path}: {error.strerror or error}") from None

    def _metrics(self) -> Iterator["_Metric"]:
        yield _Metric(
            "natc_server_up",
            "gauge",
            "Whether a server of a balanced rule is up.",
            tuple((_server(key), float(up)) for key, up in sorted(self.up.items())),
        )
        yield _Metric(
            "natc_checks_total",
            "counter",
            "Health checks, by result.",
            tuple(
                ({**_server(key), "result": "success" if is_good else "failure"}, float(count))
                for (key, is_good), count in sorted(self.checks.items())
            ),
        )
        yield _Metric(
            "natc_last_check_timestamp_seconds",
            "gauge",
            "When a server was last checked.",
            tuple((_server(key), at) for key, at in sorted(self.checked_at.items())),
        )
        swaps, repairs, failures = float(self.swaps), float(self.repairs), float(self.failures)
        yield _Metric("natc_swaps_total", "counter", "Changes of which servers serve.", swaps)
        yield _Metric("natc_repairs_total", "counter", "Repairs of natc's rules.", repairs)
        yield _Metric("natc_failures_total", "counter", "Changes that failed.", failures)
        if self.drift is not None:
            help_ = "Parts of natc's rules that others have changed."
            yield _Metric("natc_drift", "gauge", help_, float(self.drift))
        yield _Metric(
            "natc_generation",
            "gauge",
            "The apply that is in the kernel; 0 for none.",
            float(self.generation or 0),
        )


class _Metric(Record):
    name: str
    kind: str
    help: str
    samples: float | tuple[Sample, ...]

    def text(self) -> str:
        samples = self.samples
        rows = (({}, samples),) if isinstance(samples, float) else samples
        lines = [f"# HELP {self.name} {self.help}", f"# TYPE {self.name} {self.kind}"]
        lines += [f"{self.name}{_labels(labels)} {_number(value)}" for labels, value in rows]
        return "".join(f"{line}\n" for line in lines)


def _server(key: Key) -> dict[str, str]:
    rule, server = key
    return {"rule": rule, "server": server}


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{escaped(value)}"' for name, value in labels.items()) + "}"


def escaped(value: str) -> str:
    """Return the value of a label as it stands between its quotes."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else f"{value:.3f}"
