"""A quote that is opened and not closed on its line.

## Why it matters

iptables-restore would take the rest of the line for one word.

## Example

```iptables
*nat
# error: [open-quote]
-A POSTROUTING -o eth0 -m comment --comment "the office -j MASQUERADE
-A POSTROUTING -o eth0 -m comment --comment "the office" -j MASQUERADE
COMMIT
```

## Precision

Exact.
"""
