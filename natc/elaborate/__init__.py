"""Syntax tree to IR: names become sets, sugar becomes rules.

Knows the language and the model, no target and no file.
"""

from natc.elaborate.lower import lower

__all__ = ["lower"]
