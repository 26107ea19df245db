#!/usr/bin/env python3
"""The spiral's two classifiers in NumPy: what chapters 04 and 05 are compared with, in numbers and in time.

Run as a program it trains the two-layer net as chapter 05 does and prints one line of JSON with the time it took:
    /usr/bin/python3 tests/benchmarks/numpy_two_layer.py [--iterations 10000] [--seed 0]
One thread: the environment variables are set before NumPy is loaded.
"""
import argparse
import json
import os
import time

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402

from allocator import keep_freed_memory  # noqa: E402


def make_spiral(points=100, classes=3):
    """Arms of `points` points each, drawn from NumPy's global stream: x (points * classes, 2), y."""
    x = np.empty((points * classes, 2))
    y = np.repeat(np.arange(classes), points)
    r = np.linspace(0.0, 1, points)
    for j in range(classes):
        t = np.linspace(j * 4, (j + 1) * 4, points) + np.random.randn(points) * 0.2
        x[y == j] = np.stack([r * np.sin(t), r * np.cos(t)], axis=1)
    return x, y


def cross_entropy(u, y):
    """Mean loss of the scores u, and its gradient with respect to them."""
    rows = np.arange(len(y))
    e = np.exp(u - u.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(p[rows, y]).mean()
    p[rows, y] -= 1
    p /= len(y)
    return loss, p


def train_linear(x, y, classes=3, iterations=200, lr=1.0, reg=1e-3, every=10):
    """The losses at iterations 0, every, ..., iterations, and the accuracy at the end."""
    w = 0.01 * np.random.randn(2, classes)
    b = np.zeros(classes)
    losses = []
    for i in range(iterations + 1):
        u = x @ w + b
        loss, du = cross_entropy(u, y)
        loss += 0.5 * reg * np.sum(w * w)
        if i % every == 0:
            losses.append(loss)
        if i < iterations:
            dw = x.T @ du + reg * w
            db = du.sum(axis=0)
            w -= lr * dw
            b -= lr * db
    return losses, np.mean(u.argmax(axis=1) == y)


def train_two_layer(x, y, classes=3, hidden=100, iterations=10000, lr=1.0, reg=1e-3, every=1000, on_record=None):
    """The losses at iterations 0, every, ..., iterations, and the accuracy at the end.

    At the same iterations on_record, if given, is called with the iteration and the parameters w1, b1, w2, b2.
    """
    w1 = 0.01 * np.random.randn(2, hidden)
    b1 = np.zeros(hidden)
    w2 = 0.01 * np.random.randn(hidden, classes)
    b2 = np.zeros(classes)
    losses = []
    for i in range(iterations + 1):
        h = np.maximum(x @ w1 + b1, 0)
        u = h @ w2 + b2
        loss, du = cross_entropy(u, y)
        loss += 0.5 * reg * np.sum(w1 * w1) + 0.5 * reg * np.sum(w2 * w2)
        if i % every == 0:
            losses.append(loss)
            if on_record:
                on_record(i, w1, b1, w2, b2)
        if i < iterations:
            dw2 = h.T @ du + reg * w2
            db2 = du.sum(axis=0)
            dh = du @ w2.T
            dh[h <= 0] = 0
            dw1 = x.T @ dh + reg * w1
            db1 = dh.sum(axis=0)
            w1 -= lr * dw1
            b1 -= lr * db1
            w2 -= lr * dw2
            b2 -= lr * db2
    return losses, np.mean(u.argmax(axis=1) == y)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--iterations", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    keep_freed_memory()
    np.random.seed(options.seed)
    x, y = make_spiral()
    start = time.perf_counter()
    losses, accuracy = train_two_layer(x, y, iterations=options.iterations, every=options.iterations)
    seconds = time.perf_counter() - start
    print(json.dumps({"numpy": np.__version__, "iterations": options.iterations, "seconds": seconds,
                      "microseconds_per_iteration": 1e6 * seconds / options.iterations,
                      "loss": losses[-1], "accuracy": accuracy}))


if __name__ == "__main__":
    main()
