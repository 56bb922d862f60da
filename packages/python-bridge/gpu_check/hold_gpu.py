"""The run of `scripts/gpu-check`: takes memory of a GPU and trains nothing until it is told to stop.

    hold_gpu.py MIB [daemon]

`daemon`: a process that forked twice, left the session and ignores SIGTERM holds the memory; this one obeys.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time

import trainstop


def main() -> None:
    size = int(sys.argv[1]) << 20
    if sys.argv[2:] == ["daemon"]:
        _in_a_daemon(size)
    else:
        held = take(size)
        print(f"holding {size} bytes", held is not None, flush=True)
    with trainstop.run() as run:
        step = 0
        while True:
            step += 1
            turn = run.end_step(step)
            if turn.save:
                with run.checkpoint(step=step) as path:
                    (path / "step").write_text(str(step))
            if turn.stop:
                return
            time.sleep(0.05)


def take(size: int) -> object:
    """Keep what it returns. By torch where that is installed, else by CUDA's own library."""
    try:
        import torch
    except ImportError:
        return _take_by_cuda(size)
    if not torch.cuda.is_available():
        return _take_by_cuda(size)
    return torch.ones(size, dtype=torch.uint8, device="cuda:0")


def _take_by_cuda(size: int) -> object:
    cuda = ctypes.CDLL("libcuda.so.1")
    device, context, memory = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_uint64()
    for what, code in (
        ("cuInit", lambda: cuda.cuInit(0)),
        ("cuDeviceGet", lambda: cuda.cuDeviceGet(ctypes.byref(device), 0)),
        ("cuDevicePrimaryCtxRetain", lambda: cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), device)),
        ("cuCtxSetCurrent", lambda: cuda.cuCtxSetCurrent(context)),
        ("cuMemAlloc", lambda: cuda.cuMemAlloc_v2(ctypes.byref(memory), ctypes.c_size_t(size))),
        ("cuMemsetD8", lambda: cuda.cuMemsetD8_v2(memory, ctypes.c_ubyte(1), ctypes.c_size_t(size))),
    ):
        failed = code()
        if failed:
            raise SystemExit(f"{what} failed with {failed}: no memory of the GPU can be taken.")
    return cuda


def _in_a_daemon(size: int) -> None:
    """Returns when the daemon holds the memory."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        held = take(size)
        os.write(writer, b"holding")
        os.close(writer)
        while held is not None:
            signal.pause()
    os.close(writer)
    if os.read(reader, 10) != b"holding":
        raise SystemExit("The daemon died before it held memory.")
    print(f"a daemon holds {size} bytes", flush=True)


if __name__ == "__main__":
    main()
