"""Random input, and the inputs that once broke something."""
