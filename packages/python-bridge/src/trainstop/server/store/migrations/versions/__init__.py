"""One file a step. Those of a released version never change."""
