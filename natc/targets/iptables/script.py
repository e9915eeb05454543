"""A POSIX shell script that puts the rules in place at boot, any number of times.

For each table it tries the text that replaces natc's rules; when that finds no jump to replace, the
text that installs them.  Each try is one transaction of iptables-restore, so nothing is checked
before it is changed, and a run that fails leaves the table as it was.
"""

from collections.abc import Mapping

from natc.address import Family
from natc.targets.iptables.companion import route_commands
from natc.targets.iptables.model import HOOK_CHAINS, Chain, Ruleset, Table
from natc.targets.iptables.write import Form, write

_HEAD = """\
#!/bin/sh
# {title}
# Made by natc; do not edit.  Installs or replaces natc's rules, atomically in each table, and
# leaves all other rules alone.  Run it at boot and after every change, any number of times.
set -eu

WAIT=${{NATC_WAIT:-5}}  # seconds to wait for the xtables lock
IPTABLES_RESTORE=${{IPTABLES_RESTORE:-iptables-restore}}
IP6TABLES_RESTORE=${{IP6TABLES_RESTORE:-ip6tables-restore}}

say() {{ printf 'natc: %s\\n' "$*" >&2; }}

# restore PROGRAM TEXT: load a restore text.  Exit code 1 means, beside other things, that a jump
# to replace is missing; nothing was changed then.
restore() {{
    code=0
    said=$(printf '%s\\n' "$2" | "$1" --noflush -w "$WAIT" 2>&1) || code=$?
    return "$code"
}}

# put PROGRAM TABLE REPLACE INSTALL
put() {{
    restore "$1" "$3" && return 0
    if [ "$code" -eq 1 ]; then
        restore "$1" "$4" && return 0
    fi
    say "$1 failed on table $2: $said"
    exit 3
}}

# clear PROGRAM TABLE REMOVE: take away what an earlier policy left, if it left anything.
clear() {{
    command -v "$1" >/dev/null 2>&1 || return 0
    restore "$1" "$3" || [ "$code" -eq 1 ] || say "$1 could not clear table $2: $said"
}}

# prune PROGRAM TABLE CHAINS: delete chains of an earlier policy that this one does not use.
prune() {{
    save=${{1%-restore}}-save
    command -v "$save" >/dev/null 2>&1 || return 0
    for chain in $("$save" -t "$2" 2>/dev/null | sed -n 's/^:\\(NATC-[A-Z]*-[0-9]*\\) .*/\\1/p'); do
        case " $3 " in
            *" $chain "*) ;;
            *) restore "$1" "*$2
:$chain - [0:0]
-X $chain
COMMIT" || say "chain $chain of table $2 is still in use: $said" ;;
        esac
    done
}}
"""


def script(rulesets: Mapping[Family, Ruleset], title: str) -> str:
    """Return the script for all families of a policy.

    Args:
        title: one line, without control characters.
    """
    parts = [_HEAD.format(title=title)]
    for family in Family:
        ruleset = rulesets.get(family)
        program = '"$IPTABLES_RESTORE"' if family is Family.IPV4 else '"$IP6TABLES_RESTORE"'
        if ruleset is None:
            parts.append(f"\n# {family}: nothing to translate\n")
            parts += (_clear(program, table) for table in ("nat", "mangle"))
            continue
        parts.append(f"\n# {family}\n")
        parts += (_put(program, table, family) for table in ruleset.tables)
        if not any(table.name == "mangle" for table in ruleset.tables):
            parts.append(_clear(program, "mangle"))
        parts += (f"{command}\n" for command in route_commands(ruleset.routes))
    return "".join(parts)


def _put(program: str, table: Table, family: Family) -> str:
    alone = Ruleset(family, (table,))
    texts = [
        _shell_quoted(write(alone, form).rstrip("\n")) for form in (Form.REPLACE, Form.INSTALL)
    ]
    used = " ".join(chain.name for chain in table.chains)
    return (
        f"put {program} {table.name} {texts[0]} \\\n    {texts[1]}\n"
        f"prune {program} {table.name} '{used}'\n"
    )


def _clear(program: str, name: str) -> str:
    """Remove natc's chains from a table that the policy does not use."""
    chains = tuple(
        Chain(chain, built_in, ())
        for table, built_in, chain in HOOK_CHAINS.values()
        if table == name
    )
    gone = Ruleset(Family.IPV4, (Table(name, chains),))
    text = _shell_quoted(write(gone, Form.REMOVE).rstrip("\n"))
    return f"clear {program} {name} {text}\nprune {program} {name} ''\n"


def _shell_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
