"""An address with bits beyond its prefix length: a host or its network?

## Why it matters

`192.168.3.5/24` is two thoughts at once. iptables takes it for the network in silence, and the rule
then holds for 256 hosts where one was meant.

## Example

```nat
snat from 192.168.3.5/24 out eth0 -> 203.0.113.2     # error: [host-bits-set]
snat from 192.168.3.0/24 out eth0 -> 203.0.113.2
snat from 192.168.3.5 out eth0 -> 203.0.113.2
```

`natc lint --fix --unsafe-fixes` writes the network, which is what iptables makes of it. The repair
is called unsafe because nobody but the author knows which of the two was meant: in `address` of a
zone it is the host.

## Precision

Exact.
"""
