"""A policy that says nothing about any packet.

## Why it matters

It would replace the rules that are loaded with none. Usually it is the wrong file, such as one that
others include.

## Example

```nat
address web = 192.168.3.10                           # error: [no-rules]
```

A policy holds at least one rule, network or test:

```nat
address web = 192.168.3.10
dnat tcp/80 to 203.0.113.2 -> web
```

## Precision

Exact. It is left out where something else is wrong with the policy.
"""
