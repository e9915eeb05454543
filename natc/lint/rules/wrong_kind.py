"""A value of a kind that its place does not take.

## Why it matters

A name may stand for addresses, services, a zone or a network, and a place takes some of them alone.

## Example

```nat
service web = tcp/80
dnat web from web -> 192.168.3.10                    # error: [wrong-kind]
dnat web from 10.0.0.0/8 -> web                      # error: [wrong-kind]
dnat web in eth0 -> 192.168.3.10
```

The finding says what the name is, and where it became that. The same code is for settings of the
linter whose value is of another kind.

## Precision

Exact.
"""
