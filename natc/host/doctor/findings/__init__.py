"""What is wrong with a gateway: one module a finding, named by its slug.

A module's docstring is its page (`natc explain`), whose examples are tests; its `check` is a
function of a `Patient`, that is of facts and of a policy, and asks the machine nothing.  What
several findings need is beside this package.
"""
