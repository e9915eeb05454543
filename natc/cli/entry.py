"""The program `natc`: turns the garbage collector off before anything is loaded.

A run is short and makes little garbage; loading alone would set off a hundred collections.
"""

import gc


def run() -> None:
    """Run natc."""
    gc.disable()
    from natc.cli.main import run as run_command  # noqa: PLC0415 - after the line above

    run_command()
