"""Files and processes of the jobs: launches shims, hands them commands, reads what they and the ranks wrote,
knows who lives. No rule about jobs is made here; what was seen goes to `server.jobs`, which decides.

From the outside in:

    supervisor               which jobs there are, and who of them has news
    attempt                  one attempt of one job, from its launch to its end
    launch                   one shim for an attempt, never two
    journals                 what was written since, in the order it happened
    exit_record              how it ended, as the shim left it
    checkpoint_verification  is what was saved really there
    unverified               checkpoints that wait for that, and hold up nothing else
    process_watch            told the moment a process dies
    access                   a run directory that its script closed
    orphaned_tree            the processes of a job whose shim died, and the shim's ladder for them
    retried                  doing it again, later and later, when a disk or a permission is in the way
    long_reads               checkpoints read back, few at a time, and none for ever before others
    daemon_thread            long reads that a stopping server need not wait for

Everything here can be killed at any moment: what it knows, it knows from the store and the run directories.
"""
