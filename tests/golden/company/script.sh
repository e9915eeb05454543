#!/bin/sh
# policies/company.nat
# Made by natc; do not edit.  Installs or replaces natc's rules, atomically in each table, and
# leaves all other rules alone.  Run it at boot and after every change, any number of times.
set -eu

WAIT=${NATC_WAIT:-5}  # seconds to wait for the xtables lock
IPTABLES_RESTORE=${IPTABLES_RESTORE:-iptables-restore}
IP6TABLES_RESTORE=${IP6TABLES_RESTORE:-ip6tables-restore}

say() { printf 'natc: %s\n' "$*" >&2; }

# restore PROGRAM TABLE LINES...: all of the lines or none.
restore() {
    program=$1 table=$2 code=0
    shift 2
    said=$(printf '%s\n' "*$table" "$@" COMMIT | "$program" --noflush -w "$WAIT" 2>&1) || code=$?
    return "$code"
}

can_look() { command -v "${1%-restore}-save" >/dev/null 2>&1; }

look() { "${1%-restore}-save" -t "$2" 2>/dev/null; }

# jumps PROGRAM TABLE: natc's jumps that are there, as lines that delete them.
jumps() {
    look "$1" "$2" | sed -nE '/ --comment "?natc"? -j NATC-[A-Z]+$/ {
        s/^-A (PREROUTING|INPUT|OUTPUT|POSTROUTING) /-D \1 /p
    }'
}

# the_jumps TABLE: the same for a whole installation, where there is no iptables-save.  It makes
# missing chains, so that only a missing jump is an error.
the_jumps() {
    case $1 in
        mangle) printf '%s\n' ':NATC-DIVERT - [0:0]
-D PREROUTING -m comment --comment natc -j NATC-DIVERT' ;;
        nat) printf '%s\n' ':NATC-PRE - [0:0]
-D PREROUTING -m comment --comment natc -j NATC-PRE
:NATC-IN - [0:0]
-D INPUT -m comment --comment natc -j NATC-IN
:NATC-OUT - [0:0]
-D OUTPUT -m comment --comment natc -j NATC-OUT
:NATC-POST - [0:0]
-D POSTROUTING -m comment --comment natc -j NATC-POST' ;;
    esac
}

# put PROGRAM TABLE LINES: jumps and rules in the place of those that are there.
put() {
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
}

# prune PROGRAM TABLE CHAINS: empty the chains of an earlier policy, all but these, and delete those
# that no rule of others leads to.
prune() {
    can_look "$1" || return 0
    flush='' old=''
    for chain in $(look "$1" "$2" | sed -nE 's/^:(NATC-[A-Z]+(-[0-9]+)?) .*/\1/p'); do
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
}

# clear PROGRAM TABLE: take away what an earlier policy left in a table that this one does not use.
clear() {
    command -v "$1" >/dev/null 2>&1 || return 0
    if can_look "$1"; then
        [ -z "$(jumps "$1" "$2")" ] || put "$1" "$2" ''
        prune "$1" "$2" ''
    else
        restore "$1" "$2" "$(the_jumps "$2")" || :
    fi
}

# unroute FAMILY: take away policy routing that an earlier run made, known by its protocol number.
unroute() {
    command -v ip >/dev/null 2>&1 || return 0
    while ip "-$1" rule del lookup 100 protocol 78 2>/dev/null; do :; done
    ip "-$1" route flush table 100 protocol 78 >/dev/null 2>&1 || :
}

# route ARGUMENTS: policy routing, which another run may have made a moment ago.
route() {
    said=$(ip "$@" 2>&1) && return 0
    case $said in
        *'File exists'*) ;;
        *)
            say "ip $* failed: $said"
            exit 3
            ;;
    esac
}

# IPv4
put "$IPTABLES_RESTORE" nat ':NATC-PRE - [0:0]
:NATC-IN - [0:0]
:NATC-OUT - [0:0]
:NATC-POST - [0:0]
-I PREROUTING 1 -m comment --comment natc -j NATC-PRE
-I INPUT 1 -m comment --comment natc -j NATC-IN
-I OUTPUT 1 -m comment --comment natc -j NATC-OUT
-I POSTROUTING 1 -m comment --comment natc -j NATC-POST
-A NATC-PRE -d 120.196.122.145 -i eth0 -p tcp -m tcp --dport 8888 -m comment --comment "company.nat:16 company" -j DNAT --to-destination 192.168.3.10:8080
-A NATC-PRE -d 120.196.122.145 -i eth1 -p tcp -m tcp --dport 8888 -m comment --comment "company.nat:16 company.inside" -j DNAT --to-destination 192.168.3.10:8080
-A NATC-OUT -d 120.196.122.145 -p tcp -m tcp --dport 8888 -m comment --comment "company.nat:16 company.gateway" -j DNAT --to-destination 192.168.3.10:8080
-A NATC-POST -s 192.168.3.0/24 -d 192.168.3.10 -o eth1 -p tcp -m tcp --dport 8080 -m conntrack --ctorigdst 120.196.122.145 --ctorigdstport 8888 --ctstate DNAT -m comment --comment "company.nat:16 company.hairpin-lan" -j SNAT --to-source 192.168.3.1
-A NATC-POST -s 192.168.3.0/24 -o eth0 -m comment --comment "company.nat:17 share" -j SNAT --to-source 120.196.122.145'
prune "$IPTABLES_RESTORE" nat 'NATC-PRE NATC-IN NATC-OUT NATC-POST'
clear "$IPTABLES_RESTORE" mangle
unroute 4

# IPv6: nothing to translate
clear "$IP6TABLES_RESTORE" mangle
clear "$IP6TABLES_RESTORE" nat
unroute 6
