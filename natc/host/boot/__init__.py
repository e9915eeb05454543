"""The confirmed rules after a boot, without natc and without Python.

texts        the unit and the shell scripts
files        where they belong, writing them, taking them away
forwarding   the settings of the kernel without which the rules do nothing
"""
