"""IPv4 where IPv6 stands, or the reverse.

## Why it matters

The kernel has rules for either family and none that lead from one to the other: a packet of IPv6
cannot get an IPv4 destination.

## Example

```nat
dnat tcp/80 to 2001:db8::2 -> 192.168.3.10       # error: [family-mismatch]
dnat tcp/80 to 2001:db8::2 -> fd00:3::10
dnat tcp/80 to 203.0.113.2 -> 192.168.3.10
```

In rules that exist, the first address decides whose they are, unless `--family` does:

```iptables
*nat
-A POSTROUTING -s 10.0.0.0/8 -j MASQUERADE
# error: [family-mismatch]
-A POSTROUTING -s fd00::/8 -j MASQUERADE
COMMIT
```

## Precision

Exact.
"""
