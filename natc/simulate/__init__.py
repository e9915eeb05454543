"""IR and one packet to what becomes of it, with every rule it met."""

from natc.simulate.engine import simulate
from natc.simulate.trace import Outcome, Step, Trace

__all__ = ["Outcome", "Step", "Trace", "simulate"]
