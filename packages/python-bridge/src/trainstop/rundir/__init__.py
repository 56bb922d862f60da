"""The run directory: the one door between server, shim and training process.

One directory per attempt of a job. Everything durable is a file in it with exactly one writer; a FIFO
beside it carries no data, only "look again". Whoever dies and comes back reads the files and knows all.

    DATA/jobs/<job_id>/attempts/<n>/
      spec.json        server -> shim      what to start (written once)
      control.json     server -> all       the command in force, or none (replaced atomically)
      shim.json        shim   -> server    who the shim is: boot id, pid, start time
      shim.jsonl       shim   -> server    what the shim saw, one fact a line
      shim.wake        FIFO, read by the shim
      shim.lock        held by the shim as long as it lives: one shim for an attempt
      shim.log         what the shim had to complain of; for people
      exit.json        shim   -> server    how it ended, written atomically as the very last thing
      rank-<r>.jsonl   rank r -> server    what the training process said, one fact a line
      rank-<r>.wake    FIFO, read by rank r
      output.log       stdout and stderr of the training process
      output.kept.json shim   -> server    `{"from": n}`: the output's bytes before the n-th were freed
    DATA/jobs/<job_id>/checkpoints/<checkpoint_id>/    shared by all attempts
    DATA/server.wake   FIFO, read by the server

Standard library only: the training process and the shim import this.
"""
