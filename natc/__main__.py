"""`python -m natc`."""

from natc.cli.main import run

run()
