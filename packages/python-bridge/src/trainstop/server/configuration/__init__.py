"""The operator's configuration file."""
