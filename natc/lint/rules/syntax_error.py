"""A statement that is no sentence of the language.

## Why it matters

natc says what it found, what could stand there, and where it knows one the form that was meant. The
other statements are read all the same, so that all errors of a policy come at once.

## Example

```nat
masquerade from lan, dmz out wan              # error: [syntax-error]
masquerade from { 10.0.0.0/8, 172.16.0.0/12 } out wan
```

A list stands in braces. [language.md](language.md) has every statement. The same code is for
settings of the linter that natc does not know.

## Precision

Exact: the grammar of the language decides.
"""
