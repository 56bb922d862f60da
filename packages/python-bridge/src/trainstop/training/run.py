"""`trainstop.run`: what a training script calls."""

from __future__ import annotations

import os
import sys
import time
import weakref
from pathlib import Path

from trainstop.checkpoints.published import last_good
from trainstop.checkpoints.retention import DEFAULT_KEEP
from trainstop.checkpoints.verification import verify
from trainstop.training.attachment import Attachment, Taken
from trainstop.training.checkpoint import CheckpointBlock, CheckpointDirectory
from trainstop.training.command_in_force import CommandInForce, is_hold
from trainstop.training.complaint import complain
from trainstop.training.launch import launch_of_this_process, rank_of_this_process
from trainstop.training.metric_values import plain_numbers
from trainstop.training.turn import GO_ON, SAVE, SAVE_AND_STOP, STOP
from trainstop.training.wait import waits_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Literal, Self

    from trainstop.checkpoints.manifest import SaveReason
    from trainstop.training.command_in_force import Place
    from trainstop.training.launch import Launch
    from trainstop.training.outbox import Progress
    from trainstop.training.turn import Turn


def run(
    *,
    total_steps: int | None = None,
    total_epochs: int | None = None,
    checkpoint_dir: str | os.PathLike[str] | None = None,
    resume_from: str | os.PathLike[str] | None = None,
    keep: int | None = DEFAULT_KEEP,
    best_metric: str | None = None,
    best_mode: Literal["min", "max"] = "min",
) -> Run:
    """Make this script stoppable: `with trainstop.run(total_steps=n) as run:` around its training loop.

    `total_steps`, `total_epochs`: how long the whole run is, counted from its very start; for display only.

    `best_metric`: the metric by which a checkpoint is the best, "eval_loss" say; `best_mode` "min" or "max".
    The best one is never removed, and the run can be resumed from it. Its value is that given to
    `run.checkpoint(metrics=…)`, else the one logged last.

    Launched by a Trainstop server, the run listens, reports and saves to the job's own directory, and the
    server says what to resume from. Started by hand, it is alone: nothing listens and nothing is reported;
    `end_step` still asks for the saves of `save_every`, and they are as atomic as any. The rest is for then:

    `checkpoint_dir`: where a run alone saves; default `checkpoints/<script name>` in the working directory.
    `resume_from`: a checkpoint to go on from, or "last" for the newest good one in `checkpoint_dir` (none
    yet: start from the beginning). When a server names a checkpoint, that one is taken instead.
    `keep`: how many good checkpoints to keep, at least 1; older ones are removed after each save. None keeps
    all. Alone, only what this very run saved is ever removed.

    Raises ValueError on entering when `resume_from` names a checkpoint that doesn't verify: training from
    the beginning instead would not be what was asked. Nothing else is ever raised into training.
    """
    best = _best(best_metric, best_mode)
    return Run(
        total_steps=total_steps,
        total_epochs=total_epochs,
        checkpoint_dir=checkpoint_dir,
        resume_from=resume_from,
        keep=keep,
        best=best,
    )


class Run:
    """One training run in this process; made by `trainstop.run`.

    In forked children, and in a second process of the same rank, it is inert: they are not the run.
    """

    resume_path: Path | None
    """The directory of the checkpoint to go on from, verified; None to start from the beginning."""

    def __init__(
        self,
        *,
        total_steps: int | None,
        total_epochs: int | None,
        checkpoint_dir: str | os.PathLike[str] | None,
        resume_from: str | os.PathLike[str] | None,
        keep: int | None,
        best: tuple[str, str] | None,
    ) -> None:
        self.resume_path = None
        self._total_steps = total_steps
        self._total_epochs = total_epochs
        self._checkpoint_dir = checkpoint_dir
        self._resume_from = resume_from
        self._keep = keep
        self._best = best
        self._best_value: float | None = None
        self._step: float = _NO_STEP
        self._logged_step: int | None = None
        self._epoch: int | None = None
        self._scheduled_step: float | None = None
        self._saved_to_leave = False
        self._save_every: int | None = None
        self._ends_epochs = False
        self._entered = False
        self._is_the_run = False
        self._command = _nothing_in_force()
        self._attachment: Attachment | None = None
        self._directory: CheckpointDirectory | None = None

    def __enter__(self) -> Self:
        self._entered = self._is_the_run = True
        try:
            launch = launch_of_this_process()
        except Exception as error:
            complain(f"the run directory cannot be used, so nothing controls this run: {error!r}")
            launch = None
        self._choose_checkpoints(launch)
        if launch is not None:
            self._attach(launch)
        _in_this_process.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        attachment, self._attachment = self._attachment, None
        if attachment is not None:
            failed = error is not None and not (isinstance(error, SystemExit) and error.code in (None, 0))
            try:
                attachment.close(failed=failed)
            except Exception as trouble:
                complain(f"the end of this run could not be recorded: {trouble!r}")
        if self._directory is not None:
            self._directory.say = _say_nothing  # a checkpoint after the block is still saved, only not told
        return False

    def end_step(self, step: int, save_every: int | None = None) -> Turn:
        """Say that `step` steps are done; the answer says whether to save now and whether to leave the loop.

        Call it once after every step, in the main thread. `save_every`: also save whenever a multiple of it
        was reached or passed. When a stop or pause was asked, the answer is to save and stop; a stop that may
        wait for the next checkpoint or the end of the epoch comes to that when the run is there. When nothing
        is asked it costs about as much as an empty function call, and never blocks. A pause that holds the
        run here (and keeps its GPU) blocks until somebody lets it go on, or stops it.
        """
        before = self._step
        self._step = step
        try:
            if self._command.armed is None and (not save_every or step % save_every >= step - before):
                return GO_ON
            return self._decide(step, save_every, before)
        except Exception as error:
            complain(f"end_step({step!r}, {save_every!r}) could not be decided: {error!r}")
            return GO_ON

    def end_epoch(self, epoch: int) -> Turn:
        """Say that epoch number `epoch`, counted from 1, is done. Where a stop was asked, at the end of the
        epoch or at once, the answer is to save and stop. A script that passes over it is told again by its
        next `end_step`. Never blocks.
        """
        self._epoch = epoch
        try:
            if not self._ends_epochs:
                self._ends_epochs = True
                self._tell_schedule()
            return GO_ON if self._command.armed is None else self._leave("epoch")
        except Exception as error:
            complain(f"end_epoch({epoch!r}) could not be decided: {error!r}")
            return GO_ON

    def log(
        self, metrics: Mapping[str, object], *, step: int | None = None, epoch: int | None = None
    ) -> None:
        """Report metrics: names to single numbers of any kind (Python's, NumPy's, tensors), NaN included.

        `step` defaults to the last `end_step`; `epoch`, counted from 1, to the last one told. Never blocks on
        a disk or network; a tensor on an accelerator is fetched, which waits for it.
        """
        try:
            if epoch is not None:
                self._epoch = epoch
            if step is not None:
                self._logged_step = step
            attachment, best = self._attachment, self._best and self._best[0]
            if attachment is None and best not in metrics:
                return
            numbers = plain_numbers(metrics)
            if best in numbers:
                self._best_value = numbers[best]
            if attachment is not None:
                at = self._progress()[0] if step is None else int(step)
                attachment.outbox.add((at, _whole(self._epoch), time.time(), numbers))
        except Exception as error:
            complain(f"metrics were not logged: {error!r}")

    def checkpoint(
        self, *, step: int, epoch: int | None = None, metrics: Mapping[str, object] | None = None
    ) -> CheckpointBlock:
        """`with run.checkpoint(step=step) as path:` write a checkpoint's files into the directory `path`.

        At the end of the block they are hashed, put on disk and published by one rename; that blocks. An
        exception in the block publishes nothing and passes through. Links are refused: a checkpoint stands
        alone. When the disk refuses, nothing is published, stderr says so, and training goes on. `epoch`
        defaults to the last one told. `metrics` are kept with the checkpoint.
        """
        if not self._entered:
            complain("checkpoint() outside `with trainstop.run(...) as run:` saves nothing")
        if self._command.leaving is not None:
            self._saved_to_leave = True
        epoch = self._epoch if epoch is None else epoch
        if self._best is not None and self._best_value is not None:
            metrics = {self._best[0]: self._best_value, **(metrics or {})}
        directory = self._directory if self._is_the_run else None
        return CheckpointBlock(
            directory, step=step, epoch=epoch, metrics=metrics, cause=self._cause, saved=self._saved
        )

    @property
    def stop_pending(self) -> bool:
        """Whether a stop or pause was asked that the next `end_step` will come to. Read it wherever work can
        be cut short; `end_step` decides. False while a stop waits for a later place, and for a hold: then
        what is under way still counts."""
        return self._command.armed is not None and self._command.is_due()

    def _decide(self, step: int, save_every: int | None, before: float) -> Turn:
        if not self._is_the_run:
            return GO_ON
        if save_every and save_every > 0 and save_every != self._save_every:
            self._save_every = save_every
            self._tell_schedule()
        passed = step - before if before > _NO_STEP else 1
        scheduled = bool(save_every and save_every > 0 and step % save_every < passed)
        armed = self._command.armed
        if armed is not None:
            if is_hold(armed) and self._command.leaving is None:
                self._command.stand_still()
            turn = self._leave("checkpoint" if scheduled else "step")
            if turn.stop:
                return turn
        if scheduled:
            self._scheduled_step = step
            return SAVE
        return GO_ON

    def _leave(self, place: Place) -> Turn:
        """The answer where a command is armed."""
        command = self._command
        if not command.is_due(place) or command.take(place) is None:
            return GO_ON
        return STOP if self._saved_to_leave else SAVE_AND_STOP

    def _saved(self) -> str | None:
        """A checkpoint was written. Where a stop waits for one, this is it, whoever asked for the save.
        Returns the command that the run leaves with it for."""
        armed, leaving = self._command.armed, self._command.leaving
        if armed is not None and leaving is None and waits_for(armed) == "checkpoint":
            leaving = self._command.take("checkpoint")
            self._saved_to_leave = leaving is not None
        return None if leaving is None else leaving["id"]

    def _tell_schedule(self) -> None:
        """What of this script a stop can wait for."""
        if self._attachment is not None:
            self._attachment.outbox.say(
                "schedule", save_every=_whole(self._save_every), epochs=self._ends_epochs
            )

    def _cause(self) -> tuple[SaveReason, str | None]:
        command = self._command.leaving
        if command is None and self._command.armed is not None:
            command = self._command.armed if waits_for(self._command.armed) == "checkpoint" else None
        if command is not None:
            return ("pause" if command["action"] == "pause" else "cancel"), command["id"]
        return ("scheduled" if self._step == self._scheduled_step else "manual"), None

    def _progress(self) -> Progress:
        step = self._logged_step if self._step == _NO_STEP else self._step
        return _whole(step), _whole(self._epoch)

    def _choose_checkpoints(self, launch: Launch | None) -> None:
        if launch is not None:
            path = launch.run_dir.checkpoints
        elif self._checkpoint_dir is not None:
            path = Path(self._checkpoint_dir)
        else:
            path = Path("checkpoints") / _script_name()
        path = path.absolute()
        if launch is not None and launch.resume_path is not None:
            self.resume_path = launch.resume_path  # the server has just verified it
        elif self._resume_from is not None:
            self.resume_path = _verified(self._resume_from, path)
        resumed_from = self.resume_path.name if self.resume_path else None
        if self._best is None and launch is not None:
            self._best = launch.best
        if rank_of_this_process() == 0:
            self._directory = CheckpointDirectory(
                path,
                job_id=launch.job_id if launch else None,
                attempt=launch.attempt if launch else None,
                keep=self._keep,
                best=self._best,
                resumed_from=resumed_from,
                say=_say_nothing,
            )

    def _attach(self, launch: Launch) -> None:
        attachment = None
        try:
            attachment = Attachment(launch, self._progress)
            attachment.open(
                total_steps=_whole(self._total_steps),
                total_epochs=_whole(self._total_epochs),
                resumed_from=self.resume_path.name if self.resume_path else None,
                best=self._best,
            )
        except Taken:
            self._is_the_run = False
            return
        except Exception as error:
            complain(f"the run directory cannot be used, so nothing controls this run: {error!r}")
            if attachment is not None:
                attachment.let_go()
            return
        self._attachment = attachment
        self._command = attachment.command
        if self._directory is not None:
            self._directory.say = attachment.outbox.say

    def _become_inert_in_child(self) -> None:
        attachment, self._attachment = self._attachment, None
        self._command = _nothing_in_force()
        self._is_the_run = False
        if attachment is not None:
            attachment.let_go()


_NO_STEP = float("-inf")
_in_this_process: weakref.WeakSet[Run] = weakref.WeakSet()


def _in_forked_child() -> None:
    for each in list(_in_this_process):
        each._become_inert_in_child()
    _in_this_process.clear()


os.register_at_fork(after_in_child=_in_forked_child)


def _nothing_in_force() -> CommandInForce:
    return CommandInForce(None, lambda command: None)


def _say_nothing(type_: str, **fact: object) -> None:
    """A run alone has nobody to tell."""


def _whole(number: float | None) -> int | None:
    return None if number is None or number == _NO_STEP else int(number)


def _best(metric: str | None, mode: str) -> tuple[str, str] | None:
    if metric is None:
        return None
    if mode not in ("min", "max") or not isinstance(metric, str):
        complain(f"best_metric={metric!r}, best_mode={mode!r} is passed over: name a metric, and min or max")
        return None
    return metric, mode


def _script_name() -> str:
    name = Path(sys.argv[0]).stem if sys.argv and sys.argv[0] else ""
    return name if name and not name.startswith("-") else "run"


def _verified(resume_from: str | os.PathLike[str], checkpoints: Path) -> Path | None:
    if resume_from == "last":
        found = last_good(checkpoints)
        return found[0] if found else None
    path = Path(resume_from).absolute()
    verification = verify(path)
    if not verification.ok:
        raise ValueError(
            f"cannot resume from {path}: {verification.problems[0]}. "
            'Name another checkpoint, or resume_from="last" for the newest good one.'
        )
    return path
