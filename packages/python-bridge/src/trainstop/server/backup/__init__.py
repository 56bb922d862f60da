"""A copy of the store taken while the server works, and starting again from one."""
