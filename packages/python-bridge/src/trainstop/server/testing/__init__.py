"""Real databases for the tests and benchmarks. In no wheel."""
