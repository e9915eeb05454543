"""Rule sets that exist: read where they lie, never copied."""
