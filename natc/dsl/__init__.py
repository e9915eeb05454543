"""Text to syntax tree and back.  Knows the words, not what they mean."""
