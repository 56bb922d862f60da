"""Read handwritten digits of which only the upper half is seen: a real run, and a reason to stop it.

Half a digit is often ambiguous. The network first learns what can be learned, then learns its 200 examples by
heart: the loss on the digits it never sees falls, turns, and rises to the end.

    python train_digits.py                       alone; saves to checkpoints/train_digits
    python train_digits.py --resume-from last    goes on from there
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

# One thread: the same numbers on every run and machine size, and the machine stays usable beside it.
for library in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import numpy as np  # noqa: E402
import trainstop  # noqa: E402

from digits import Digits  # noqa: E402
from network import Adam, Array, Network, evaluate  # noqa: E402


class Training:
    """Everything that decides how a run goes on, so that a resumed run ends like one never stopped."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.random = np.random.default_rng(options.seed)
        self.digits = Digits(options.train_size, self.random)
        self.network = Network([32, options.hidden, options.hidden, 10], self.random)
        self.optimizer = Adam(self.network.parameters, options.learning_rate, warmup_steps=200)
        self.batch_size: int = options.batch_size
        self.steps_per_epoch: int = -(-options.train_size // options.batch_size)
        self.step = 0
        self.order = np.zeros(0, np.int64)

    @property
    def epoch(self) -> int:
        """Of the last step that was done, counted from 1."""
        return -(-self.step // self.steps_per_epoch)

    def do_step(self) -> float:
        """One batch; the loss on it."""
        place = self.step % self.steps_per_epoch
        if place == 0:
            self.order = self.random.permutation(len(self.digits.labels))
        batch = self.order[place * self.batch_size : (place + 1) * self.batch_size]
        images, labels = self.digits.images[batch], self.digits.labels[batch]
        loss, gradients = self.network.loss_and_gradients(images, labels)
        self.optimizer.update(gradients)
        self.step += 1
        return loss

    def save(self, path: Path) -> None:
        arrays: dict[str, Any] = {"order": self.order}
        for kind, values in self._arrays().items():
            arrays |= {f"{kind}_{index}": value for index, value in enumerate(values)}
        np.savez(path / "arrays.npz", **arrays)
        state = {
            "step": self.step,
            "optimizer_steps": self.optimizer.steps,
            "random": self.random.bit_generator.state,
        }
        (path / "state.json").write_text(json.dumps(state))

    def load(self, path: Path) -> None:
        state = json.loads((path / "state.json").read_text())
        self.step = state["step"]
        self.optimizer.steps = state["optimizer_steps"]
        self.random.bit_generator.state = state["random"]
        with np.load(path / "arrays.npz", allow_pickle=False) as arrays:
            self.order = arrays["order"]
            for kind, values in self._arrays().items():
                for index, value in enumerate(values):
                    value[...] = arrays[f"{kind}_{index}"]

    def _arrays(self) -> dict[str, list[Array]]:
        return {
            "weights": self.network.parameters,
            "means": self.optimizer.means,
            "squares": self.optimizer.squares,
        }


def main() -> None:
    options = parse_options()
    training = Training(options)
    total_steps = options.epochs * training.steps_per_epoch
    digits = training.digits

    with trainstop.run(
        total_steps=total_steps,
        total_epochs=options.epochs,
        checkpoint_dir=options.checkpoint_dir,
        resume_from=options.resume_from,
    ) as run:
        if run.resume_path:
            training.load(run.resume_path)
            tell(f"resumed from {run.resume_path.name}, step {training.step} / {total_steps}")
        else:
            tell(f"{len(digits.labels)} digits to learn, {len(digits.held_out_labels)} held out")
        losses = []
        while training.step < total_steps:
            losses.append(training.do_step())
            step, epoch = training.step, training.epoch
            if step % 5 == 0:
                run.log({"train_loss": np.mean(losses)}, step=step, epoch=epoch)
                losses.clear()
            if step % options.evaluate_every == 0:
                found = evaluate(
                    training.network,
                    digits.held_out_images,
                    digits.held_out_labels,
                    give_up=lambda: run.stop_pending,
                )
                if found:
                    run.log(
                        {"eval_loss": found[0], "eval_accuracy": found[1]},
                        step=step,
                        epoch=epoch,
                    )
                    tell(
                        f"epoch {epoch} / {options.epochs}  step {step} / {total_steps}  "
                        f"eval loss {found[0]:.4f}  accuracy {found[1]:.1%}"
                    )
            if step % training.steps_per_epoch == 0:
                run.end_epoch(epoch)  # a stop that waited for this is answered by end_step, right below
            turn = run.end_step(step, save_every=options.save_every)
            if turn.save or step == total_steps:
                with run.checkpoint(step=step, epoch=epoch) as path:
                    training.save(path)
                tell(f"saved at step {step}")
            if turn.stop:
                tell(f"asked to stop: leaving at step {step} / {total_steps}")
                break
        else:
            tell("done")


def tell(line: str) -> None:
    print(line, flush=True)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train a small network on the upper halves of digits.")
    parser.add_argument("--epochs", type=at_least_one, default=400)
    parser.add_argument(
        "--hidden",
        type=at_least_one,
        default=1280,
        help="width of the two hidden layers",
    )
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--batch-size", type=at_least_one, default=8)
    parser.add_argument(
        "--train-size",
        type=at_least_one,
        default=200,
        help="of 1797; the rest is held out",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--evaluate-every", type=at_least_one, default=20, metavar="STEPS")
    parser.add_argument("--save-every", type=at_least_one, default=250, metavar="STEPS")
    parser.add_argument("--checkpoint-dir", help="when run alone; default checkpoints/train_digits")
    parser.add_argument("--resume-from", help='when run alone: a checkpoint directory, or "last"')
    options = parser.parse_args()
    if options.train_size > 1700:
        parser.error("--train-size must leave some of the 1797 digits held out: at most 1700")
    return options


def at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is less than 1")
    return value


if __name__ == "__main__":
    main()
