"""One code a module, named after its slug: the docstring is the page, `check` finds it.

A module without `check` explains what the compiler itself reports.
"""
