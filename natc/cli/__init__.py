"""The front door: a click group, one small module a command."""
