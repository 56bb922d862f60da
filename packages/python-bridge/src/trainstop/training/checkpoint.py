"""`with run.checkpoint(step=…) as path:` what the script writes is published whole or not at all."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from trainstop.checkpoints.retention import retain
from trainstop.checkpoints.saving import Save
from trainstop.training.complaint import complain
from trainstop.training.metric_values import encode_all, plain_numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Literal, Protocol

    from trainstop.checkpoints.manifest import SaveReason

    class Say(Protocol):
        def __call__(self, type_: str, **fact: object) -> None: ...


class CheckpointDirectory:
    """Where one run saves, and what it keeps there."""

    def __init__(
        self,
        path: Path,
        *,
        job_id: str | None,
        attempt: int | None,
        keep: int | None,
        best: tuple[str, str] | None,
        resumed_from: str | None,
        say: Say,
    ) -> None:
        self.path = path
        self.job_id = job_id
        self.attempt = attempt
        self.say = say
        self._keep = keep
        self._best = best
        self._resumed_from = resumed_from
        self._saved: list[str] = []

    def retain(self, checkpoint_id: str) -> None:
        """Remove what is too old. A script that runs alone removes only what this run of it saved."""
        self._saved.append(checkpoint_id)
        if self._keep is None:
            return
        removed = retain(
            self.path,
            keep=self._keep,
            known_good=checkpoint_id,
            removable=self._saved if self.job_id is None else None,
            best=self._best,
            protected=(self._resumed_from,) if self._resumed_from else (),
        )
        for removed_id in removed:
            self.say("checkpoint_removed", checkpoint_id=removed_id)


class CheckpointBlock:
    """The block. An exception of the script passes through, and nothing is published. Ours never get out."""

    def __init__(
        self,
        directory: CheckpointDirectory | None,
        *,
        step: int,
        epoch: int | None,
        metrics: Mapping[str, object] | None,
        cause: Cause,
        saved: Callable[[], str | None],
    ) -> None:
        """`directory` None: not this process's affair, so what it writes goes nowhere. `saved` is called
        when the block was left as it should be and what it wrote lies there whole, before that is told; it
        returns the command that this was saved for."""
        self._directory = directory
        self._step = step
        self._epoch = epoch
        self._metrics = metrics or {}
        self._cause = cause
        self._saved = saved
        self._save: Save | None = None
        self._scratch: Path | None = None
        self._started = 0.0

    def __enter__(self) -> Path:
        """An empty directory to write into. Blocks only on the disk."""
        self._started = time.monotonic()
        if self._directory is not None:
            try:
                self._step = int(self._step)
                self._epoch = None if self._epoch is None else int(self._epoch)
                self._save = Save(self._directory.path, self._step)
            except Exception as error:
                self._failed(f"step-{self._step}", error)
            else:
                _, command_id = self._cause()
                self._directory.say(
                    "saving", checkpoint_id=self._save.checkpoint_id, step=self._step, command_id=command_id
                )
                return self._save.path
        import tempfile  # hardly ever needed

        self._scratch = Path(tempfile.mkdtemp(prefix="trainstop-not-kept-"))
        return self._scratch

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            if error is None and self._directory is None:
                self._saved()
        elif self._save is not None and self._directory is not None:
            if error is not None:
                self._save.abandon()
                self._failed(self._save.checkpoint_id, error)
            else:
                self._publish(self._save, self._directory)
        return False

    def _publish(self, save: Save, directory: CheckpointDirectory) -> None:
        try:
            reason, _ = self._cause()
            manifest = save.publish(
                job_id=directory.job_id,
                attempt=directory.attempt,
                epoch=self._epoch,
                reason=reason,
                metrics=encode_all(plain_numbers(self._metrics)),
                save_seconds=time.monotonic() - self._started,
            )
        except BaseException as error:
            save.abandon()
            self._failed(save.checkpoint_id, error)
            if not isinstance(error, Exception):
                raise  # Ctrl-C, say: the person's, not ours
            return
        # A stop that waits for a checkpoint may have come while this one was put on disk.
        command_id = self._saved()
        directory.say(
            "checkpoint",
            checkpoint_id=save.checkpoint_id,
            step=manifest["step"],
            epoch=manifest["epoch"],
            bytes=sum(file["bytes"] for file in manifest["files"]),
            files=len(manifest["files"]),
            save_seconds=round(time.monotonic() - self._started, 3),
            reason=reason,
            metrics=manifest["metrics"],
            command_id=command_id,
        )
        try:
            directory.retain(save.checkpoint_id)
        except Exception as error:
            complain(f"older checkpoints could not be removed: {error}")

    def _failed(self, checkpoint_id: str, error: BaseException) -> None:
        text = str(error) or type(error).__name__
        complain(f"{checkpoint_id} was not saved: {text}")
        if self._directory is not None:
            _, command_id = self._cause()
            self._directory.say(
                "checkpoint_failed",
                checkpoint_id=checkpoint_id,
                step=self._step,
                error=text,
                command_id=command_id,
            )


if TYPE_CHECKING:
    from collections.abc import Callable

    Cause = Callable[[], tuple[SaveReason, str | None]]
    """Why a save happens, as of now: the command being obeyed may be replaced while a save runs."""
