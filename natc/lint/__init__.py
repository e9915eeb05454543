"""Meaning → findings: rules that never match, contradict, leak, or translate what they should not.

catalogue  every code with its level and one line
subject    what is linted: a policy or a dump, and what all rules ask of it
lists      the rules of each hook, chains made one list, as packets come to the hook
relations  which rules cover, meet or repeat which
rules/     one rule a module; its docstring is its page
run        all chosen rules over one subject
"""
