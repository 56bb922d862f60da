"""As much of nvidia-smi as the check asks for, of the fake machine; installed beside its `python`."""

import sys

import pynvml

pynvml.nvmlInit()
handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
for index, handle in enumerate(handles):
    if sys.argv[1] == "--query-gpu=index,name,memory.used":
        used = pynvml.nvmlDeviceGetMemoryInfo(handle).used >> 20
        print(f"{index}, {pynvml.nvmlDeviceGetName(handle)}, {used}")
    elif sys.argv[1] == "--query-compute-apps=pid,used_memory":
        for process in pynvml.nvmlDeviceGetComputeRunningProcesses(handle):
            size = "[N/A]" if process.usedGpuMemory is None else process.usedGpuMemory >> 20
            print(f"{process.pid}, {size}")
    else:
        sys.exit(f"unknown option {sys.argv[1]}")
