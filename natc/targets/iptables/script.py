"""A POSIX shell script that puts the rules in place at boot, any number of times.

Each table is one transaction of iptables-restore that deletes the jumps to natc's chains, those
that iptables-save shows, and makes them anew: a run that fails leaves the table as it was, and any
other leaves one jump a hook, whoever deleted or doubled one before.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from natc.address import FAMILIES, Family
from natc.targets.iptables.companion import ROUTING_PROTOCOL, ROUTING_TABLE, route_arguments
from natc.targets.iptables.model import (
    BUILT_IN,
    HOOK_CHAINS,
    JUMP_COMMENT,
    Place,
    PolicyRoute,
    Ruleset,
    Table,
)
from natc.targets.iptables.write import Form, lines

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

# restore PROGRAM TABLE LINES...: all of the lines or none.
restore() {{
    program=$1 table=$2 code=0
    shift 2
    said=$(printf '%s\\n' "*$table" "$@" COMMIT | "$program" --noflush -w "$WAIT" 2>&1) || code=$?
    return "$code"
}}

can_look() {{ command -v "${{1%-restore}}-save" >/dev/null 2>&1; }}

look() {{ "${{1%-restore}}-save" -t "$2" 2>/dev/null; }}

# jumps PROGRAM TABLE: natc's jumps that are there, as lines that delete them.
jumps() {{
    look "$1" "$2" | sed -nE '/ --comment "?{comment}"? -j NATC-[A-Z]+$/ {{
        s/^-A (PREROUTING|INPUT|OUTPUT|POSTROUTING) /-D \\1 /p
    }}'
}}

# the_jumps TABLE: the same for a whole installation, where there is no iptables-save.  It makes
# missing chains, so that only a missing jump is an error.
the_jumps() {{
    case $1 in
{usual}
    esac
}}

# put PROGRAM TABLE LINES: jumps and rules in the place of those that are there.
put() {{
    if can_look "$1"; then
        for _ in 1 2 3; do  # Another run may come between the look and the change.
            restore "$1" "$2" "$(jumps "$1" "$2")" "$3" || continue
            [ -n "$(jumps "$1" "$2" | sort | uniq -d)" ] || return 0
        done
    else
        restore "$1" "$2" "$(the_jumps "$2")" "$3" && return 0
        # Code 1 means, beside other things, that there is no such jump.
        [ "$code" -ne 1 ] || ! restore "$1" "$2" "$3" || return 0
    fi
    say "$1 failed on table $2: $said"
    exit 3
}}

# prune PROGRAM TABLE CHAINS: empty the chains of an earlier policy, all but these, and delete those
# that no rule of others leads to.
prune() {{
    can_look "$1" || return 0
    flush='' old=''
    for chain in $(look "$1" "$2" | sed -nE 's/^:(NATC-[A-Z]+(-[0-9]+)?) .*/\\1/p'); do
        case " $3 " in
            *" $chain "*) ;;
            *) flush="$flush:$chain - [0:0]
" old="$old $chain" ;;
        esac
    done
    [ -n "$old" ] || return 0
    restore "$1" "$2" "$flush" || say "chains of an earlier policy in table $2 stay: $said"
    for chain in $old; do
        restore "$1" "$2" "-X $chain" || say "rules of others lead to $chain in table $2: it stays"
    done
}}

# clear PROGRAM TABLE: take away what an earlier policy left in a table that this one does not use.
clear() {{
    command -v "$1" >/dev/null 2>&1 || return 0
    if can_look "$1"; then
        [ -z "$(jumps "$1" "$2")" ] || put "$1" "$2" ''
        prune "$1" "$2" ''
    else
        restore "$1" "$2" "$(the_jumps "$2")" || :
    fi
}}

# unroute FAMILY: take away policy routing that an earlier run made, known by its protocol number.
unroute() {{
    command -v ip >/dev/null 2>&1 || return 0
    while ip "-$1" rule del lookup {table} protocol {protocol} 2>/dev/null; do :; done
    ip "-$1" route flush table {table} protocol {protocol} >/dev/null 2>&1 || :
}}

# route ARGUMENTS: policy routing, which another run may have made a moment ago.
route() {{
    said=$(ip "$@" 2>&1) && return 0
    case $said in
        *'File exists'*) ;;
        *)
            say "ip $* failed: $said"
            exit 3
            ;;
    esac
}}
"""

_PROGRAMS = {Family.IPV4: '"$IPTABLES_RESTORE"', Family.IPV6: '"$IP6TABLES_RESTORE"'}
_TABLES = tuple(dict.fromkeys(table for table, _, _ in HOOK_CHAINS.values()))


def script(
    rulesets: Mapping[Family, Ruleset],
    title: str,
    families: Collection[Family] = FAMILIES,
    place: Place = Place.FIRST,
) -> str:
    """Return the script for a policy.

    Args:
        rulesets: the rules of each family that has some.
        title: one line, without control characters.
        families: those to touch; what an earlier policy left in one without rules is removed.
        place: where natc's jumps go in the built-in chains.
    """
    head = _HEAD.format(
        title=title,
        comment=JUMP_COMMENT,
        usual="\n".join(map(_usual_jumps, _TABLES)),
        table=ROUTING_TABLE,
        protocol=ROUTING_PROTOCOL,
    )
    parts = [head]
    for family in families:
        ruleset = rulesets.get(family, Ruleset(family, ()))
        parts.append(f"\n# {family}{'' if ruleset.tables else ': nothing to translate'}\n")
        parts += _family(ruleset, place)
    return "".join(parts)


def _usual_jumps(table: str) -> str:
    jumps = "\n".join(
        f":{chain} - [0:0]\n-D {built_in} -m comment --comment {JUMP_COMMENT} -j {chain}"
        for home, built_in, chain in HOOK_CHAINS.values()
        if home == table
    )
    return f"        {table}) printf '%s\\n' '{jumps}' ;;"


def _family(ruleset: Ruleset, place: Place) -> Iterator[str]:
    program = _PROGRAMS[ruleset.family]
    for table in ruleset.tables:
        yield _put(program, table, ruleset.family, place)
    used = {table.name for table in ruleset.tables}
    yield from (f"clear {program} {table}\n" for table in _TABLES if table not in used)
    yield from _routing(ruleset.family, ruleset.routes)


def _put(program: str, table: Table, family: Family, place: Place) -> str:
    _, *body, _ = lines(Ruleset(family, (table,)), Form.INSTALL, place)
    text = _shell_quoted("\n".join(body))
    own = [chain.name for chain in table.chains if chain.name not in BUILT_IN[table.name]]
    used = " ".join(own)
    return f"put {program} {table.name} {text}\nprune {program} {table.name} '{used}'\n"


def _routing(family: Family, routes: Iterable[PolicyRoute]) -> Iterator[str]:
    yield f"unroute {family.value}\n"
    for arguments in route_arguments(routes):
        yield f"route {arguments} protocol {ROUTING_PROTOCOL}\n"


def _shell_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
