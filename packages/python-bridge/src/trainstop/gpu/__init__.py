"""Which processes hold which GPU, as NVIDIA's driver tells it, and whether a run has let go of them.

From the outside in:

    probe        a process that asks the driver once, watched from outside: a driver that hangs hangs only it
    __main__     that process: `python -I -m trainstop.gpu` prints one JSON object
    nvml         what it asks, and how NVML's answers are read
    driver       whether this machine has an NVIDIA driver at all; where it has none, nobody is asked
    holding      what was seen of one run, and what of that is left
    release      asked again and again once the run's processes are gone, until the devices are free
    sentences    all that in plain words
    measurable   what this machine can measure, for `trainstop doctor`

Only `nvml` knows the library `pynvml` (the package nvidia-ml-py, the optional extra `gpu`), and only the
probe's process imports it. The rest is standard library, for the shim.
"""
