"""A name that is a word of the language, a protocol, or no name at all.

## Why it matters

`address from = …` could be used nowhere without being read as the word.

## Example

```nat
address tcp = 192.168.3.10                           # error: [reserved-name]
address tcp1 = 192.168.3.10
masquerade from tcp1 out eth0 as share.all           # error: [reserved-name]
masquerade from tcp1 out eth0 as share-all
```

An interface that is called like a word stands in quotes: `out "random"`.

## Precision

Exact.
"""
