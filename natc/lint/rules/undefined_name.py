"""A name that nothing defines.

## Why it matters

natc never guesses what a name could mean, and looks none up in DNS: what a policy means may not
depend on a resolver at boot.

## Example

```nat
address web1 = 192.168.3.10
port-forward tcp/80 in eth0 -> web2              # error: [undefined-name]
port-forward tcp/81 in eth0 -> web1
```

The nearest name that is defined is named, where one is near. Definitions may stand below their
use, and in other files, by `include`.

## Precision

Exact, under the node and the settings that are asked for (`--node`, `--set`).
"""
