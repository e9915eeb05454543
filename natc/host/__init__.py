"""The running gateway: what it holds, what a policy would change, and changing it safely.

    policy     a file → `Wanted`: the rules, their meaning and a hash
    gateway    this machine's iptables: its flavour, save, restore, the xtables lock
    held       natc's part of what the kernel holds, and what it is to hold
    store      what natc remembers: generations on the disk, the current one in /run
    way_back   the guard that undoes an apply that is cut short or not confirmed
    rehearsal  the rules in a throw-away namespace first
    backends   ways to hand rules to the kernel
    apply      all of it in order: apply, confirm, roll back, remove
    prospect   the rules of now and those after an apply, all programs' and in the kernel's words
    plan       what an apply would change, with `rule_changes`, and with `connections`: those of
               `conntrack` that it strands, in `surroundings` that the kernel knows
    flush      the end of those connections, after the apply or once it is confirmed
    status     what is in place and what became of it, with `counters`
    boot       the files that have the confirmed rules come back at boot

Nothing else in natc changes the kernel that it runs on.
"""
