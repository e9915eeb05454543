"""Bad input: one clear located error, the documented exit code, and nothing written."""
