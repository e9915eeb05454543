"""Meaning → findings: rules that never match, contradict, leak, or translate what they should not.

catalogue  every code with its level and one line
subject    what is linted: a policy or a dump, and what all rules ask of it
lists      the rules of each hook, chains made one list, as packets come to the hook
relations  which rules cover, meet or repeat which
chains     where the rules of a dump stand, and which built-in chains lead there
misfits    rules that exclude what the jumps to their chain let through
draws      rows of rules that draw lots, with exact shares
literals   what is wrong with values that natc cannot read
coming     packets that come to a rule: the witnesses
rules/     one rule a module; its docstring is its page
run        all chosen rules over one subject; `selection` which, `config` what a file says of it
allowances what is silenced, and what of that is stale; `comments` reads it from kernel rules
fixes      repairs of a text: which go together, what they leave
mentions   which names the statements of a policy use
pages      the pages, for a terminal and as docs/rules.md
"""
