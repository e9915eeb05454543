"""The language as literate specifications: Markdown that pytest runs."""
