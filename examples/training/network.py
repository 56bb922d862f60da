"""A fully connected network and its optimizer, in numpy: small enough to read, large enough to take time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class Network:
    """ReLU layers and a softmax on top. `parameters` alternates weights and biases, in float32."""

    def __init__(self, sizes: list[int], random: np.random.Generator) -> None:
        """`sizes`: inputs, each hidden layer, classes."""
        self.parameters: list[Array] = []
        for inputs, outputs in pairwise(sizes):
            weights = random.standard_normal((inputs, outputs), dtype=np.float32)
            self.parameters += [
                weights * np.float32((2 / inputs) ** 0.5),
                np.zeros(outputs, np.float32),
            ]

    def log_probabilities(self, images: Array) -> Array:
        """Of each class, for each row of `images`."""
        return self._forward(images)[-1]

    def loss_and_gradients(self, images: Array, labels: NDArray[np.int64]) -> tuple[float, list[Array]]:
        """Mean cross-entropy, and its gradient for each of `parameters`."""
        *activations, log_probabilities = self._forward(images)
        rows = np.arange(len(labels))
        loss = -float(log_probabilities[rows, labels].mean())
        error = np.exp(log_probabilities)
        error[rows, labels] -= 1
        error /= np.float32(len(labels))
        gradients: list[Array] = []
        for layer in reversed(range(len(activations))):
            gradients[:0] = [activations[layer].T @ error, error.sum(axis=0)]
            if layer > 0:
                error = (error @ self.parameters[2 * layer].T) * (activations[layer] > 0)
        return loss, gradients

    def _forward(self, images: Array) -> list[Array]:
        """What goes into each layer, and the log probabilities that come out of the last."""
        values = [images]
        for weights, biases in zip(self.parameters[0::2], self.parameters[1::2], strict=True):
            values.append(values[-1] @ weights + biases)
            np.maximum(values[-1], 0, out=values[-1])
        last = values[-2] @ self.parameters[-2] + self.parameters[-1]
        last -= last.max(axis=1, keepdims=True)
        values[-1] = last - np.log(np.exp(last).sum(axis=1, keepdims=True))
        return values


class Adam:
    """Adam with bias correction and a linear warm-up, in place."""

    def __init__(self, parameters: list[Array], learning_rate: float, warmup_steps: int) -> None:
        self.parameters = parameters
        self.learning_rate = learning_rate
        self.warmup_steps = warmup_steps
        self.steps = 0
        self.means = [np.zeros_like(p) for p in parameters]
        self.squares = [np.zeros_like(p) for p in parameters]

    def update(self, gradients: list[Array]) -> None:
        self.steps += 1
        rate = self.learning_rate * min(1.0, self.steps / self.warmup_steps)
        scale = np.float32(rate * (1 - 0.999**self.steps) ** 0.5 / (1 - 0.9**self.steps))
        for index, gradient in enumerate(gradients):
            mean, square = self.means[index], self.squares[index]
            mean += (gradient - mean) * np.float32(0.1)
            square += (gradient * gradient - square) * np.float32(0.001)
            self.parameters[index] -= mean * scale / (np.sqrt(square) + np.float32(1e-8))


def evaluate(
    network: Network,
    images: Array,
    labels: NDArray[np.int64],
    give_up: Callable[[], bool],
) -> tuple[float, float] | None:
    """Mean loss and accuracy; None when `give_up()` became true on the way."""
    losses: list[Array] = []
    right = 0
    for start in range(0, len(labels), 100):
        if give_up():
            return None
        part = slice(start, start + 100)
        found = network.log_probabilities(images[part])
        losses.append(found[np.arange(len(found)), labels[part]])
        right += int((found.argmax(axis=1) == labels[part]).sum())
    return -float(np.concatenate(losses).mean()), right / len(labels)
