"""What all tests share: options, markers and the Hypothesis profile."""

import os
import random

import pytest
from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "natc",
    deadline=None,
    max_examples=int(os.environ.get("NATC_EXAMPLES", "40")),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink),
    print_blob=True,
    derandomize=False,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
)
settings.load_profile("natc")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add natc's own options."""
    group = parser.getgroup("natc")
    group.addoption(
        "--update-golden", action="store_true", help="rewrite golden files instead of comparing"
    )
    group.addoption(
        "--require-kernel",
        action="store_true",
        help="kernel tests fail, not skip, where the kernel cannot be had",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers, so that a misspelt one is an error with `--strict-markers`."""
    config.addinivalue_line(
        "markers", "kernel: runs in a throw-away namespace of a real kernel (unshare -Urn)"
    )

    # Chosen once, before workers start, so that all of a run is one seed's.
    os.environ.setdefault("NATC_KERNEL_SEED", str(random.SystemRandom().randrange(1 << 32)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which random rule sets the kernel saw."""
    seed = os.environ["NATC_KERNEL_SEED"]
    terminalreporter.write_line(f"random rule sets in the kernel: NATC_KERNEL_SEED={seed}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip kernel tests, with the reason, where there is no kernel to be had."""
    kernel = [item for item in items if item.get_closest_marker("kernel")]
    if not kernel or config.getoption("--require-kernel"):
        return
    reason = _missing_kernel()
    if reason:
        for item in kernel:
            item.add_marker(pytest.mark.skip(reason=reason))


def _missing_kernel() -> str | None:
    """Return why kernel tests cannot run here, None when they can."""
    if os.environ.get("NATC_NO_KERNEL"):
        return "NATC_NO_KERNEL is set"
    try:
        from natc.testlab import Flavour, Lab, Topology
    except ImportError as error:
        return f"natc.testlab is not there: {error}"
    try:
        with Lab(Topology(()), Flavour.NFT):
            return None
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the reason
        return f"no namespaces here: {error}"


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be rewritten."""
    return bool(request.config.getoption("--update-golden"))
