"""A change of rules that are not there: `-D`, `-R`, `-X`, `-E` of something else.

## Why it matters

Text for iptables-restore may hold commands as well as rules. natc obeys them in tables that are
empty; one that finds nothing to change would fail, or depends on what was loaded before.

## Example

```iptables
*nat
-A POSTROUTING -o eth0 -j MASQUERADE
# error: [impossible-change]
-D POSTROUTING -o eth1 -j MASQUERADE
-D POSTROUTING -o eth0 -j MASQUERADE
-A POSTROUTING -o eth2 -j MASQUERADE
COMMIT
```

## Precision

Exact for tables that are empty before.
"""
