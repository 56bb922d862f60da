"""Trainstop: the stop button for machine-learning training."""

__version__ = "0.1.0"
