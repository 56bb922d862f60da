"""Whether a run's GPUs are free, in words for the receipt `resources_released`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from trainstop.gpu.holding import Holding, Left

NEVER_ASKED = "The run was over before NVIDIA's driver had answered, so whether it held a GPU is not known."
NEVER_LISTED = (
    "NVIDIA's driver never listed a process of this run, so its lists prove nothing: the run used no GPU"
)


def never_listed(*, container: bool) -> str:
    if container:
        return f"{NEVER_LISTED}, or the driver doesn't tell this container (it does with --pid=host)."
    return f"{NEVER_LISTED}, or only in between."


def free(holding: Holding, left: Left, seconds: float, since_stop: float | None) -> str:
    """`seconds`: from the process tree being gone to the answer that said so; `since_stop`: from the stop's
    delivery."""
    stop = "" if since_stop is None else f", {since_stop:.1f} s after the stop was delivered"
    what = _and([_nothing_of(held.held_bytes, held.name) for held in holding.devices.values()])
    return (
        f"{what[0].upper()}{what[1:]}, {seconds:.1f} s after the process tree was gone{stop}.{_others(left)}"
    )


def held(left: Left, seconds: float) -> str:
    """Somebody of the run is listed still, or memory did not come back."""
    after = f"{seconds:.0f} s after the process tree was gone"
    if left.ours:
        who = _and([f"process {pid} on {device}{_with(size)}" for device, pid, size in left.ours])
        return f"{after} the driver still lists {who}.{_others(left)}"
    what = _and([f"{gib(size)} of {device}" for device, size in left.unlisted])
    return (
        f"No process of the run is listed any more, but {after} {what} had not come back, and no listed "
        "process accounts for that. An end of the MPS server, where there is one, or a reset of the GPU "
        f"(nvidia-smi --gpu-reset) may free it.{_others(left)}"
    )


def unknown(left: Left) -> str:
    devices = _and([device for device, _ in left.unread])
    return f"The run held {devices}, but that can't be seen any more. {left.unread[0][1]}"


def gib(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB"


def _nothing_of(size: int | None, device: str) -> str:
    return f"nothing is left on {device}" if size is None else f"0 of {gib(size)} left on {device}"


def _others(left: Left) -> str:
    if not left.others:
        return ""
    who = _and([f"process {pid} on {device}{_with(size)}" for device, pid, size in left.others])
    return f" Not of this run: {who}."


def _with(size: int | None) -> str:
    return "" if size is None else f" with {gib(size)}"


def _and(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
