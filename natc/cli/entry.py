"""The program `natc`: what happens before anything is loaded.

The garbage collector is turned off: a run is short and makes little garbage; loading alone would
set off a hundred collections.
"""

import gc
import sys

_INTERRUPTED = 130
"""As in `natc.cli.errors`, which is not loaded yet."""


def run() -> None:
    """Run natc."""
    gc.disable()
    try:
        _run()
    except KeyboardInterrupt:  # While something was loaded.
        sys.exit(_INTERRUPTED)


def _run() -> None:
    failed: BaseException | None = None
    match sys.argv[1:]:
        case ["compile", path] if not path.startswith("-"):
            try:
                from natc.cli import plain  # noqa: PLC0415 - start-up

                if plain.run(path):
                    return
            except (OSError, KeyboardInterrupt) as error:
                failed = error
    from natc.cli.main import run as run_command  # noqa: PLC0415 - start-up

    run_command(failed)
