"""Every change of a job: the state table, the commands, and what a fact does to them.

`Jobs` is the door. Its methods are synchronous, one transaction each, and may be called from any thread.
"""
