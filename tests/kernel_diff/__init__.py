"""Random policies and packets through a real kernel, held against the oracle."""
