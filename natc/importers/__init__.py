"""What exists already, as policies: rules that iptables-save printed.

scope, surroundings   which rules an import is about; what around them has to stay
chains, packets       chains that jump to chains to one list a hook, in which packets may skip ahead
skips                 the same without skips
phrases, actions      a decision's packets, and what it does, in the terms of statements
sentences, labels     statements in the making, and what people call them
joining, runs         neighbours that one statement says; balances, clients, masquerades
order, pairs          the hooks' lists to one file; what one statement says in several hooks
hairpins, diversions  two statements whose rules hang together across tables and hooks
statements            sentences to syntax trees; sets, interfaces, marks, targets, zones
proofs                the language is asked whether that is what was meant
saying                all of these, until nothing more has to be left out
rules, writing        the whole, with remarks and comments
"""

from natc.importers.remarks import Place, Remark
from natc.importers.rules import Imported, import_rules

__all__ = ["Imported", "Place", "Remark", "import_rules"]
