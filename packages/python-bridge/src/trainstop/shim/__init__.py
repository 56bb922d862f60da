"""The shim: one small process beside each job. It starts the job, stops it, and proves that it is gone.

    python -I -m trainstop.shim RUN_DIR

It needs nobody: everything it must know lies in the run directory, everything it saw is written there, and it
goes on when the server is killed. How it works, from the outside in:

    launch          one shim for an attempt, as a daemon; says on its way out whether that worked
    supervisor      the loop: wait, look, reap, act
    ladder          when to send what: pure, also used by the server for a job whose shim died
    listening       whether anybody in the run hears of a command by himself; also used by the server
    gpu_watch       who holds which GPU, before and after the stop
    main_process    how the job's command is started
    process_tree    who belongs to the job, and killing until none is left; also used by the server
    job_cgroup      the same, where a cgroup may be made for the job; also used by the server
    subreaper       what makes "none is left" a proof
    child_signals   told the moment a child dies
    facts           what was seen, written as soon as the disk allows

Standard library only, and as little of it as possible: there is one of these for every job.
"""
