"""`natc doctor`: what is wrong with the machine around the rules.

facts, gather   plain values, and asking the machine for them; nothing else here asks it
patient         facts × the policy's meaning, and what several findings ask of both
loadings        what is loaded at boot; `owners` whose rules are whose; `sysctls` settings
overlaps        rules of others that take packets of natc's, exactly
findings/       one finding a module, its docstring the page
examination     all findings, those that were chosen, and those that forbid an apply
"""
