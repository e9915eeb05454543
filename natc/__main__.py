"""`python -m natc`."""

from natc.cli.entry import run

run()
