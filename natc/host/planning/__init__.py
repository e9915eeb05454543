"""What an apply would change, what it strands, and what became of an earlier one.

prospect      the rules of now and those to come, all programs', in the kernel's own words
plan          the packets that are treated differently, with `rule_changes`
connections   those of `conntrack` that the change strands, in the `surroundings` of the kernel
flush         their end, after the apply or once it is confirmed
status        what is in place, its drift by meaning, and `counters` by policy line
"""
