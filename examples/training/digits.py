"""The handwritten digits that scikit-learn ships, their upper halves."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from network import Array


class Digits:
    """1797 digits, 4 by 8 pixels of each: `train_size` to learn from, the rest held out."""

    def __init__(self, train_size: int, random: np.random.Generator) -> None:
        images, labels = _read()
        order = random.permutation(len(labels))
        upper_half: Array = (images[order, :32] / 16).astype(np.float32)
        labels = labels[order]
        self.images, self.held_out_images = upper_half[:train_size], upper_half[train_size:]
        self.labels, self.held_out_labels = labels[:train_size], labels[train_size:]


def _read() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """64 pixels of 0 to 16 and the digit, as `sklearn.datasets.load_digits` gives them: the same file, but
    without importing scikit-learn, which takes a second, and a fifth of one when the process exits."""
    found = find_spec("sklearn")
    if found is None or found.origin is None:
        raise SystemExit("The digits come with scikit-learn. Install it: pip install -r requirements.txt")
    table = np.loadtxt(
        Path(found.origin).parent / "datasets/data/digits.csv.gz", delimiter=",", dtype=np.int64
    )
    return table[:, :-1], table[:, -1]
