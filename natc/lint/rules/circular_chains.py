"""Chains that jump in a circle.

## Why it matters

The kernel refuses such rules: a packet would never leave them.

## Example

```iptables
*nat
:PREROUTING ACCEPT [0:0]
:A - [0:0]
:B - [0:0]
-A PREROUTING -j A
-A A -j B
# error: [circular-chains]
-A B -p tcp -j A
COMMIT
```

## Precision

Exact, whatever the rules match: the kernel does not look at that either.
"""
