#!/bin/sh
# policies/office.nat
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
put "$IPTABLES_RESTORE" mangle ':NATC-DIVERT - [0:0]
-I PREROUTING 1 -m comment --comment natc -j NATC-DIVERT
-A NATC-DIVERT ! -d 10.0.0.0/8 -i eth1 -p tcp -m iprange ! --dst-range 127.0.0.0-127.255.255.255 -m iprange ! --dst-range 172.16.0.0-172.31.255.255 -m iprange ! --dst-range 192.168.0.0-192.168.255.255 -m iprange ! --dst-range 203.0.113.0-203.0.113.255 -m tcp --dport 443 -m comment --comment "office.nat:102 tls-proxy" -j TPROXY --on-port 8443 --on-ip 127.0.0.1 --tproxy-mark 0x1/0x1'
prune "$IPTABLES_RESTORE" mangle 'NATC-DIVERT'
put "$IPTABLES_RESTORE" nat ':NATC-PRE - [0:0]
:NATC-PRE-1 - [0:0]
:NATC-IN - [0:0]
:NATC-OUT - [0:0]
:NATC-OUT-1 - [0:0]
:NATC-POST - [0:0]
-I PREROUTING 1 -m comment --comment natc -j NATC-PRE
-I INPUT 1 -m comment --comment natc -j NATC-IN
-I OUTPUT 1 -m comment --comment natc -j NATC-OUT
-I POSTROUTING 1 -m comment --comment natc -j NATC-POST
-A NATC-PRE -d 10.8.0.0/16 -m iprange --src-range 192.168.3.0-192.168.4.255 -m comment --comment "office.nat:74 vpn.arriving" -j ACCEPT
-A NATC-PRE -d 203.0.113.5 -i eth0 -m comment --comment "office.nat:78 mailer.inward" -j DNAT --to-destination 192.168.4.25
-A NATC-PRE -d 203.0.113.64/28 -i eth0 -m comment --comment "office.nat:79 test-hosts.inward" -j NETMAP --to 192.168.4.64/28
-A NATC-PRE -d 203.0.113.5 -i eth1 -p tcp -m multiport --dports 25,465,587,993 -m comment --comment "office.nat:83 mail-inside" -j DNAT --to-destination 192.168.4.25
-A NATC-PRE -d 203.0.113.5 -i wlan0 -p tcp -m multiport --dports 25,465,587,993 -m comment --comment "office.nat:83 mail-inside" -j DNAT --to-destination 192.168.4.25
-A NATC-PRE -d 203.0.113.5 -i eth2 -p tcp -m multiport --dports 25,465,587,993 -m comment --comment "office.nat:83 mail-inside.inside" -j DNAT --to-destination 192.168.4.25
-A NATC-PRE -d 203.0.113.2 -p tcp -m tcp --dport 80 -m comment --comment "office.nat:87 web" -j DNAT --to-destination 192.168.4.10:8080
-A NATC-PRE -d 203.0.113.2 -p tcp -m tcp --dport 443 -m comment --comment "office.nat:88 shop" -j NATC-PRE-1
-A NATC-PRE -s 192.0.2.0/28 -d 203.0.113.2 -p tcp -m tcp --dport 7001:7016 -m comment --comment "office.nat:92 cameras" -j DNAT --to-destination 192.168.4.20:9001-9016/7001
-A NATC-PRE -s 192.0.2.0/28 -i ppp+ -p tcp -m tcp --dport 2222 -m addrtype --dst-type LOCAL -m comment --comment "office.nat:93 rescue" -j DNAT --to-destination 192.168.4.10:22
-A NATC-PRE -d 203.0.113.250 -p tcp -m tcp --dport 80 -m comment --comment "office.nat:95 old-site" -j DNAT --to-destination 192.168.4.10:8080
-A NATC-PRE ! -d 192.168.5.1 -i wlan0 -p tcp -m tcp --dport 53 -m comment --comment "office.nat:100 guest-dns" -j DNAT --to-destination 192.168.5.1
-A NATC-PRE ! -d 192.168.5.1 -i wlan0 -p udp -m udp --dport 53 -m comment --comment "office.nat:100 guest-dns" -j DNAT --to-destination 192.168.5.1
-A NATC-PRE ! -d 10.0.0.0/8 -i eth1 -p tcp -m iprange ! --dst-range 127.0.0.0-127.255.255.255 -m iprange ! --dst-range 172.16.0.0-172.31.255.255 -m iprange ! --dst-range 192.168.0.0-192.168.255.255 -m iprange ! --dst-range 203.0.113.0-203.0.113.255 -m tcp --dport 80 -m comment --comment "office.nat:101 web-proxy" -j REDIRECT --to-ports 3128
-A NATC-PRE ! -d 10.0.0.0/8 -i wlan0 -p tcp -m iprange ! --dst-range 127.0.0.0-127.255.255.255 -m iprange ! --dst-range 172.16.0.0-172.31.255.255 -m iprange ! --dst-range 192.168.0.0-192.168.255.255 -m iprange ! --dst-range 203.0.113.0-203.0.113.255 -m tcp --dport 80 -m comment --comment "office.nat:101 web-proxy" -j REDIRECT --to-ports 3128
-A NATC-PRE ! -d 10.0.0.0/8 -i eth1 -p tcp -m iprange ! --dst-range 127.0.0.0-127.255.255.255 -m iprange ! --dst-range 172.16.0.0-172.31.255.255 -m iprange ! --dst-range 192.168.0.0-192.168.255.255 -m iprange ! --dst-range 203.0.113.0-203.0.113.255 -m tcp --dport 443 -m comment --comment "office.nat:102 tls-proxy.kept" -j ACCEPT
-A NATC-PRE-1 -p tcp -m recent --name natc4-shop-1 --update --seconds 1800 --rsource -m comment --comment "office.nat:88 shop" -j DNAT --to-destination 192.168.4.10:8443
-A NATC-PRE-1 -p tcp -m recent --name natc4-shop-2 --update --seconds 1800 --rsource -m comment --comment "office.nat:88 shop" -j DNAT --to-destination 192.168.4.11:8443
-A NATC-PRE-1 -p tcp -m statistic --mode random --probability 0.75000000000 -m recent --name natc4-shop-1 --set --rsource -m comment --comment "office.nat:88 shop" -j DNAT --to-destination 192.168.4.10:8443
-A NATC-PRE-1 -p tcp -m recent --name natc4-shop-2 --set --rsource -m comment --comment "office.nat:88 shop" -j DNAT --to-destination 192.168.4.11:8443
-A NATC-OUT -d 10.8.0.0/16 -m iprange --src-range 192.168.3.0-192.168.4.255 -m comment --comment "office.nat:74 vpn.local" -j ACCEPT
-A NATC-OUT -d 203.0.113.5 -p tcp -m multiport --dports 25,465,587,993 -m comment --comment "office.nat:83 mail-inside.gateway" -j DNAT --to-destination 192.168.4.25
-A NATC-OUT -d 203.0.113.2 -p tcp -m tcp --dport 80 -m comment --comment "office.nat:87 web.gateway" -j DNAT --to-destination 192.168.4.10:8080
-A NATC-OUT -d 203.0.113.2 -p tcp -m tcp --dport 443 -m comment --comment "office.nat:88 shop.gateway" -j NATC-OUT-1
-A NATC-OUT -d 203.0.113.250 -p tcp -m tcp --dport 80 -m comment --comment "office.nat:95 old-site.gateway" -j DNAT --to-destination 192.168.4.10:8080
-A NATC-OUT ! -d 10.0.0.0/8 -p tcp -m iprange ! --dst-range 127.0.0.0-127.255.255.255 -m iprange ! --dst-range 172.16.0.0-172.31.255.255 -m iprange ! --dst-range 192.168.0.0-192.168.255.255 -m iprange ! --dst-range 203.0.113.0-203.0.113.255 -m tcp --dport 80 -m owner ! --uid-owner proxy -m comment --comment "office.nat:101 web-proxy.local" -j REDIRECT --to-ports 3128
-A NATC-OUT-1 -p tcp -m recent --name natc4-shop-1 --update --seconds 1800 --rsource -m comment --comment "office.nat:88 shop.gateway" -j DNAT --to-destination 192.168.4.10:8443
-A NATC-OUT-1 -p tcp -m recent --name natc4-shop-2 --update --seconds 1800 --rsource -m comment --comment "office.nat:88 shop.gateway" -j DNAT --to-destination 192.168.4.11:8443
-A NATC-OUT-1 -p tcp -m statistic --mode random --probability 0.75000000000 -m recent --name natc4-shop-1 --set --rsource -m comment --comment "office.nat:88 shop.gateway" -j DNAT --to-destination 192.168.4.10:8443
-A NATC-OUT-1 -p tcp -m recent --name natc4-shop-2 --set --rsource -m comment --comment "office.nat:88 shop.gateway" -j DNAT --to-destination 192.168.4.11:8443
-A NATC-POST -s 192.168.132.0/24 -d 224.0.0.0/24 -m comment --comment "office.nat:59 network-keennet.multicast" -j RETURN
-A NATC-POST -s 192.168.132.0/24 -d 255.255.255.255 -m comment --comment "office.nat:59 network-keennet.broadcast" -j RETURN
-A NATC-POST -s 192.168.132.0/24 ! -d 192.168.132.0/24 -p tcp -m comment --comment "office.nat:59 network-keennet.tcp" -j MASQUERADE --to-ports 1024-65535
-A NATC-POST -s 192.168.132.0/24 ! -d 192.168.132.0/24 -p udp -m comment --comment "office.nat:59 network-keennet.udp" -j MASQUERADE --to-ports 1024-65535
-A NATC-POST -s 192.168.132.0/24 ! -d 192.168.132.0/24 -m comment --comment "office.nat:59 network-keennet" -j MASQUERADE
-A NATC-POST -d 10.8.0.0/16 -m iprange --src-range 192.168.3.0-192.168.4.255 -m comment --comment "office.nat:74 vpn" -j ACCEPT
-A NATC-POST -s 192.168.4.25 -o eth0 -m comment --comment "office.nat:78 mailer" -j SNAT --to-source 203.0.113.5
-A NATC-POST -s 192.168.4.64/28 -o eth0 -m comment --comment "office.nat:79 test-hosts" -j NETMAP --to 203.0.113.64/28
-A NATC-POST -s 192.168.4.0/24 -d 192.168.4.25 -o eth2 -p tcp -m tcp --dport 25 -m conntrack --ctorigdst 203.0.113.5 --ctorigdstport 25 --ctstate DNAT -m comment --comment "office.nat:83 mail-inside.hairpin-dmz" -j SNAT --to-source 192.168.4.1
-A NATC-POST -s 192.168.4.0/24 -d 192.168.4.25 -o eth2 -p tcp -m tcp --dport 465 -m conntrack --ctorigdst 203.0.113.5 --ctorigdstport 465 --ctstate DNAT -m comment --comment "office.nat:83 mail-inside.hairpin-dmz" -j SNAT --to-source 192.168.4.1
-A NATC-POST -s 192.168.4.0/24 -d 192.168.4.25 -o eth2 -p tcp -m tcp --dport 587 -m conntrack --ctorigdst 203.0.113.5 --ctorigdstport 587 --ctstate DNAT -m comment --comment "office.nat:83 mail-inside.hairpin-dmz" -j SNAT --to-source 192.168.4.1
-A NATC-POST -s 192.168.4.0/24 -d 192.168.4.25 -o eth2 -p tcp -m tcp --dport 993 -m conntrack --ctorigdst 203.0.113.5 --ctorigdstport 993 --ctstate DNAT -m comment --comment "office.nat:83 mail-inside.hairpin-dmz" -j SNAT --to-source 192.168.4.1
-A NATC-POST -s 192.168.4.0/24 -d 192.168.4.10 -o eth2 -p tcp -m tcp --dport 8080 -m conntrack --ctorigdst 203.0.113.2 --ctorigdstport 80 --ctstate DNAT -m comment --comment "office.nat:87 web.hairpin-dmz" -j SNAT --to-source 192.168.4.1
-A NATC-POST -s 192.168.4.0/24 -d 192.168.4.10 -o eth2 -p tcp -m tcp --dport 8443 -m conntrack --ctorigdst 203.0.113.2 --ctorigdstport 443 --ctstate DNAT -m comment --comment "office.nat:88 shop.hairpin-dmz" -j SNAT --to-source 192.168.4.1
-A NATC-POST -s 192.168.4.0/24 -d 192.168.4.11 -o eth2 -p tcp -m tcp --dport 8443 -m conntrack --ctorigdst 203.0.113.2 --ctorigdstport 443 --ctstate DNAT -m comment --comment "office.nat:88 shop.hairpin-dmz" -j SNAT --to-source 192.168.4.1
-A NATC-POST -s 192.168.4.0/24 -d 192.168.4.99 -o eth2 -p tcp -m tcp --dport 8443 -m conntrack --ctorigdst 203.0.113.2 --ctorigdstport 443 --ctstate DNAT -m comment --comment "office.nat:88 shop.hairpin-dmz" -j SNAT --to-source 192.168.4.1
-A NATC-POST -s 192.168.4.0/24 -d 192.168.4.10 -o eth2 -p tcp -m tcp --dport 8080 -m conntrack --ctorigdst 203.0.113.250 --ctorigdstport 80 --ctstate DNAT -m comment --comment "office.nat:95 old-site.hairpin-dmz" -j SNAT --to-source 192.168.4.1
-A NATC-POST ! -s 192.168.3.7 -o eth0 -m iprange --src-range 192.168.3.0-192.168.3.220 -m iprange ! --src-range 192.168.3.128-192.168.3.199 -m comment --comment "office.nat:106 office" -j SNAT --to-source 203.0.113.16-203.0.113.23 --persistent
-A NATC-POST -s 192.168.5.0/24 -o eth0 -p tcp -m comment --comment "office.nat:107 visitors" -j SNAT --to-source 203.0.113.2:40000-49999 --random-fully
-A NATC-POST -s 192.168.5.0/24 -o eth0 -p udp -m comment --comment "office.nat:107 visitors" -j SNAT --to-source 203.0.113.2:40000-49999 --random-fully
-A NATC-POST -o eth0 -m iprange --src-range 192.168.3.0-192.168.5.255 -m comment --comment "office.nat:108 share" -j SNAT --to-source 203.0.113.2
-A NATC-POST -o ppp+ -m iprange --src-range 192.168.3.0-192.168.5.255 -m comment --comment "office.nat:109 backup-line" -j MASQUERADE'
prune "$IPTABLES_RESTORE" nat 'NATC-PRE NATC-PRE-1 NATC-IN NATC-OUT NATC-OUT-1 NATC-POST'
unroute 4
route -4 rule add fwmark 0x1/0x1 lookup 100 pref 100 protocol 78
route -4 route replace local 0.0.0.0/0 dev lo table 100 protocol 78

# IPv6
put "$IP6TABLES_RESTORE" nat ':NATC-PRE - [0:0]
:NATC-PRE-1 - [0:0]
:NATC-IN - [0:0]
:NATC-OUT - [0:0]
:NATC-OUT-1 - [0:0]
:NATC-POST - [0:0]
-I PREROUTING 1 -m comment --comment natc -j NATC-PRE
-I INPUT 1 -m comment --comment natc -j NATC-IN
-I OUTPUT 1 -m comment --comment natc -j NATC-OUT
-I POSTROUTING 1 -m comment --comment natc -j NATC-POST
-A NATC-PRE -d 2001:db8:3::/64 -i eth0 -m comment --comment "office.nat:80 prefix.inward" -j NETMAP --to fd00:3::/64
-A NATC-PRE -d 2001:db8:0:1::2 -p tcp -m tcp --dport 80 -m comment --comment "office.nat:87 web" -j DNAT --to-destination [fd00:4::10]:8080
-A NATC-PRE -d 2001:db8:0:1::2 -p tcp -m tcp --dport 443 -m comment --comment "office.nat:88 shop" -j NATC-PRE-1
-A NATC-PRE ! -d fd00:5::1 -i wlan0 -p tcp -m tcp --dport 53 -m comment --comment "office.nat:100 guest-dns" -j DNAT --to-destination fd00:5::1
-A NATC-PRE ! -d fd00:5::1 -i wlan0 -p udp -m udp --dport 53 -m comment --comment "office.nat:100 guest-dns" -j DNAT --to-destination fd00:5::1
-A NATC-PRE ! -d ::1 -i eth1 -p tcp -m iprange ! --dst-range 2001:db8:0:1::-2001:db8:0:1:ffff:ffff:ffff:ffff -m iprange ! --dst-range 2001:db8:3::-2001:db8:3:0:ffff:ffff:ffff:ffff -m iprange ! --dst-range fd00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff -m iprange ! --dst-range fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff -m tcp --dport 80 -m comment --comment "office.nat:101 web-proxy" -j REDIRECT --to-ports 3128
-A NATC-PRE ! -d ::1 -i wlan0 -p tcp -m iprange ! --dst-range 2001:db8:0:1::-2001:db8:0:1:ffff:ffff:ffff:ffff -m iprange ! --dst-range 2001:db8:3::-2001:db8:3:0:ffff:ffff:ffff:ffff -m iprange ! --dst-range fd00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff -m iprange ! --dst-range fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff -m tcp --dport 80 -m comment --comment "office.nat:101 web-proxy" -j REDIRECT --to-ports 3128
-A NATC-PRE-1 -p tcp -m recent --name natc6-shop-1 --update --seconds 1800 --rsource -m comment --comment "office.nat:88 shop" -j DNAT --to-destination [fd00:4::10]:8443
-A NATC-PRE-1 -p tcp -m recent --name natc6-shop-2 --update --seconds 1800 --rsource -m comment --comment "office.nat:88 shop" -j DNAT --to-destination [fd00:4::11]:8443
-A NATC-PRE-1 -p tcp -m statistic --mode random --probability 0.75000000000 -m recent --name natc6-shop-1 --set --rsource -m comment --comment "office.nat:88 shop" -j DNAT --to-destination [fd00:4::10]:8443
-A NATC-PRE-1 -p tcp -m recent --name natc6-shop-2 --set --rsource -m comment --comment "office.nat:88 shop" -j DNAT --to-destination [fd00:4::11]:8443
-A NATC-OUT -d 2001:db8:0:1::2 -p tcp -m tcp --dport 80 -m comment --comment "office.nat:87 web.gateway" -j DNAT --to-destination [fd00:4::10]:8080
-A NATC-OUT -d 2001:db8:0:1::2 -p tcp -m tcp --dport 443 -m comment --comment "office.nat:88 shop.gateway" -j NATC-OUT-1
-A NATC-OUT ! -d ::1 -p tcp -m iprange ! --dst-range 2001:db8:0:1::-2001:db8:0:1:ffff:ffff:ffff:ffff -m iprange ! --dst-range 2001:db8:3::-2001:db8:3:0:ffff:ffff:ffff:ffff -m iprange ! --dst-range fd00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff -m iprange ! --dst-range fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff -m tcp --dport 80 -m owner ! --uid-owner proxy -m comment --comment "office.nat:101 web-proxy.local" -j REDIRECT --to-ports 3128
-A NATC-OUT-1 -p tcp -m recent --name natc6-shop-1 --update --seconds 1800 --rsource -m comment --comment "office.nat:88 shop.gateway" -j DNAT --to-destination [fd00:4::10]:8443
-A NATC-OUT-1 -p tcp -m recent --name natc6-shop-2 --update --seconds 1800 --rsource -m comment --comment "office.nat:88 shop.gateway" -j DNAT --to-destination [fd00:4::11]:8443
-A NATC-OUT-1 -p tcp -m statistic --mode random --probability 0.75000000000 -m recent --name natc6-shop-1 --set --rsource -m comment --comment "office.nat:88 shop.gateway" -j DNAT --to-destination [fd00:4::10]:8443
-A NATC-OUT-1 -p tcp -m recent --name natc6-shop-2 --set --rsource -m comment --comment "office.nat:88 shop.gateway" -j DNAT --to-destination [fd00:4::11]:8443
-A NATC-POST -s fd00:3::/64 -o eth0 -m comment --comment "office.nat:80 prefix" -j NETMAP --to 2001:db8:3::/64
-A NATC-POST -s fd00:4::/64 -d fd00:4::10 -o eth2 -p tcp -m tcp --dport 8080 -m conntrack --ctorigdst 2001:db8:0:1::2 --ctorigdstport 80 --ctstate DNAT -m comment --comment "office.nat:87 web.hairpin-dmz" -j SNAT --to-source fd00:4::1
-A NATC-POST -s fd00:4::/64 -d fd00:4::10 -o eth2 -p tcp -m tcp --dport 8443 -m conntrack --ctorigdst 2001:db8:0:1::2 --ctorigdstport 443 --ctstate DNAT -m comment --comment "office.nat:88 shop.hairpin-dmz" -j SNAT --to-source fd00:4::1
-A NATC-POST -s fd00:4::/64 -d fd00:4::11 -o eth2 -p tcp -m tcp --dport 8443 -m conntrack --ctorigdst 2001:db8:0:1::2 --ctorigdstport 443 --ctstate DNAT -m comment --comment "office.nat:88 shop.hairpin-dmz" -j SNAT --to-source fd00:4::1
-A NATC-POST -s fd00:4::/64 -d fd00:4::99 -o eth2 -p tcp -m tcp --dport 8443 -m conntrack --ctorigdst 2001:db8:0:1::2 --ctorigdstport 443 --ctstate DNAT -m comment --comment "office.nat:88 shop.hairpin-dmz" -j SNAT --to-source fd00:4::1
-A NATC-POST -s fd00:5::/64 -o eth0 -p tcp -m comment --comment "office.nat:107 visitors" -j SNAT --to-source [2001:db8:0:1::2]:40000-49999 --random-fully
-A NATC-POST -s fd00:5::/64 -o eth0 -p udp -m comment --comment "office.nat:107 visitors" -j SNAT --to-source [2001:db8:0:1::2]:40000-49999 --random-fully
-A NATC-POST -s fd00:3::/64 -o eth0 -m comment --comment "office.nat:108 share" -j SNAT --to-source 2001:db8:0:1::2
-A NATC-POST -s fd00:4::/64 -o eth0 -m comment --comment "office.nat:108 share" -j SNAT --to-source 2001:db8:0:1::2
-A NATC-POST -s fd00:5::/64 -o eth0 -m comment --comment "office.nat:108 share" -j SNAT --to-source 2001:db8:0:1::2
-A NATC-POST -s fd00:3::/64 -o ppp+ -m comment --comment "office.nat:109 backup-line" -j MASQUERADE
-A NATC-POST -s fd00:4::/64 -o ppp+ -m comment --comment "office.nat:109 backup-line" -j MASQUERADE
-A NATC-POST -s fd00:5::/64 -o ppp+ -m comment --comment "office.nat:109 backup-line" -j MASQUERADE'
prune "$IP6TABLES_RESTORE" nat 'NATC-PRE NATC-PRE-1 NATC-IN NATC-OUT NATC-OUT-1 NATC-POST'
clear "$IP6TABLES_RESTORE" mangle
unroute 6
