"""What is kept, and for how long: old events, logs, checkpoints and jobs go, so that no disk fills."""
