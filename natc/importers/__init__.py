"""What exists already, as policies: rules that iptables-save printed.

scope        which rules an import is about
chains       chains that jump to chains to one list a hook, in which packets may skip ahead
skips        the same without skips
sentences    each decision as words of the language: phrases, actions
joining      neighbours that one statement says; balances, masquerades
order, pairs the hooks' lists to one file; what one statement says in several hooks
statements   sentences to syntax trees: sets, marks, targets, zones
proofs       the language is asked whether that is what was meant
saying       all of these, until nothing more has to be left out
rules        the whole, with remarks and comments
"""

from natc.importers.remarks import Place, Remark
from natc.importers.rules import Imported, import_rules

__all__ = ["Imported", "Place", "Remark", "import_rules"]
