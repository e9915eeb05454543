"""An `include` that cannot be followed.

## Why it matters

Half of a policy is another policy, so nothing of it is compiled: when the file is missing, includes
itself, is included twice, or lies outside the folder of the policy.

## Example

```nat
include "nowhere.nat"                            # error: [include-error]
masquerade out eth0
```

Paths are relative to the file that includes, and lead to files beside it or below.

## Precision

Exact, for the files as they lie at that moment.
"""
