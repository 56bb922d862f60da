"""What a training script imports: `trainstop.run`. Standard library only, and nothing of the server.

run.py               Run: log, end_step, end_epoch, checkpoint, stop_pending, resume_path
turn.py              Turn: what end_step answers
checkpoint.py        the `with run.checkpoint(…)` block
launch.py            whether this process was launched by a shim, and with what
attachment.py        everything a launched run holds: journal, wake file, listener thread, SIGTERM
command_in_force.py  which command binds this process, and acknowledging it
wait.py              how long a stop that may wait for a checkpoint or an epoch's end waits
outbox.py            what is said to the rank's journal
metric_values.py     numbers of any library as plain ones
sigterm.py           the ladder's SIGTERM, chained to the script's own handler
complaint.py         one line on stderr instead of an exception
"""
