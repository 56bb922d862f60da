"""The HTTP surface under /api/training: one file a concept of design.md's table."""
