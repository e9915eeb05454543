"""What a policy says about one packet, read straight from the syntax tree.

Independent of natc's own way (elaborate, simulate, targets) and naive on purpose: statements in
file order, one packet at a time, sets asked with `in`.  It knows the language's meaning and
nothing of kernels, except for what the kernel is left to choose.

The destination phase gives a `Verdict`; one of its choices makes the `Arrival`, which the source
phase looks at::

    oracle = Oracle(policy, World(local=…))
    verdict = oracle.destination(packet)
    for arrival in oracle.arrivals(packet, verdict):
        print(arrival, oracle.source(packet, arrival))

The modules, by what they read:

    words      the smallest parts of the tree, as text and numbers
    scope      definitions, zones and networks: what names mean
    sets       set expressions, asked about one value, or listed
    places     whose an address is
    matching   the matches of a rule
    destination_rules, source_rules, static_rules, hairpins
               one kind of statement each, for one packet
    phases     the statements in order
    answers, ports   what is asked and answered; what the kernel is left to choose
"""

from tests.oracle.answers import Arrival, Verdict, World
from tests.oracle.phases import Oracle
from tests.oracle.ports import ANY_PORT

__all__ = ["ANY_PORT", "Arrival", "Oracle", "Verdict", "World"]
