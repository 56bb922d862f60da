from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


def test_the_digits_are_those_that_scikit_learn_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    from sklearn.datasets import load_digits

    from digits import Digits

    digits = Digits(200, np.random.default_rng(0))
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    both = np.concatenate([digits.images, digits.held_out_images])
    assert np.array_equal(both, (images[order, :32] / 16).astype(np.float32))
    assert np.array_equal(np.concatenate([digits.labels, digits.held_out_labels]), labels[order])
    assert len(digits.labels) == 200
