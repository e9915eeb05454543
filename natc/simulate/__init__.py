"""What a rule set does to packets: to one, with every rule it meets, or to all of them.

way        packets as they came and as they are now
site       what is known of the gateway around the rules
translate  an action to the ways that the kernel may choose
engine     the hooks in the kernel's order
single     one packet → its trace; `expect` compares that with what a test says
story      one packet → all that becomes of it, told to people
"""

from natc.simulate.single import Simulator, simulate
from natc.simulate.site import Site, site_of
from natc.simulate.trace import Outcome, Step, Trace

__all__ = ["Outcome", "Simulator", "Site", "Step", "Trace", "simulate", "site_of"]
