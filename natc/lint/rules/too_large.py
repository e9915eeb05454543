"""More than natc reads: bytes, braces in braces, exceptions, definitions of definitions.

## Why it matters

The limits lie far above what policies need, and keep natc from running out of memory or time on a
text that was made to make it.

## Example

```nat
address a = {{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{  # error: [too-large]
    10.0.0.1
}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}
address b = {{ 10.0.0.1 }}
snat from b out eth0 -> 203.0.113.2
```

## Precision

Exact: 32 MiB, 32 braces, 64 `except`s in a statement, 100 definitions of definitions,
1,024 cases of a set of marks or ipsets.
"""
