"""An option, or a target, that stands twice in a rule.

## Why it matters

iptables refuses most of them, and of the others counts the last one alone.

## Example

```iptables
*nat
# error: [repeated-option]
-A POSTROUTING -s 10.0.0.0/8 -s 172.16.0.0/12 -o eth0 -j MASQUERADE
-A POSTROUTING -s 10.0.0.0/8 -o eth0 -j MASQUERADE
COMMIT
```

## Precision

Exact.
"""
