#!/usr/bin/env python3
"""Chapter 08's network in PyTorch: what it is compared with in time.

    /usr/bin/python3 tests/benchmarks/torch_mnist.py FOLDER_OF_MNIST [--threads 1] [--epochs 3] [--limit N]

All images are tensors of floats before the clock starts. Two ways to make the batches of an epoch are timed, in turn:
  preloaded  the tensors are in random order already, and a batch is a slice of them: no shuffling and no copying
  indexed    a new random order is drawn, and a batch is x[order[i:i + 64]], as PyTorch's users write it by hand
Prints one line of JSON with the seconds of every epoch.
"""
import argparse
import gzip
import json
import os
import pathlib
import time

# torch.set_num_threads does not reach OpenBLAS, whose threads would be in the way of PyTorch's: two of each take four
# times as long on two cores. One of OpenBLAS's is the best for PyTorch here, however many it has of its own.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import torch  # noqa: E402

from allocator import keep_freed_memory  # noqa: E402


def read(folder, name, offset):
    for path in (pathlib.Path(folder, name + ".gz"), pathlib.Path(folder, name)):
        if path.exists():
            data = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
            return torch.frombuffer(bytearray(data[offset:]), dtype=torch.uint8)
    raise SystemExit(f"{os.path.basename(__file__)}: {name}.gz is not in {folder}")


def train(model, optimizer, criterion, batches):
    """One epoch as the lecture writes it; returns its mean loss, of every hundredth batch, as logged."""
    losses = []
    for i, (images, labels) in enumerate(batches):
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        if i % 100 == 0:
            losses.append(loss.item())
    return sum(losses) / len(losses)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--limit", type=int, default=60000)
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)

    x = read(options.folder, "train-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28)[: options.limit].float() / 255
    y = read(options.folder, "train-labels-idx1-ubyte", 8)[: options.limit].long()
    order = torch.randperm(len(y))
    shuffled_x, shuffled_y = x[order].contiguous(), y[order].contiguous()

    def preloaded():
        return ((shuffled_x[i:i + 64], shuffled_y[i:i + 64]) for i in range(0, len(y), 64))

    def indexed():
        permutation = torch.randperm(len(y))
        return ((x[permutation[i:i + 64]], y[permutation[i:i + 64]]) for i in range(0, len(y), 64))

    def network():
        nn = torch.nn
        model = nn.Sequential(nn.Flatten(), nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10))
        return model, torch.optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss()

    contestants = {"preloaded": (network(), preloaded), "indexed": (network(), indexed)}
    seconds = {name: [] for name in contestants}
    for epoch in range(options.epochs + 1):  # one more, for warming up
        for name, (learner, batches) in contestants.items():
            start = time.perf_counter()
            loss = train(*learner, batches())
            if epoch > 0:
                seconds[name].append(time.perf_counter() - start)
    print(json.dumps({"torch": torch.__version__, "loss": loss, **seconds}))


if __name__ == "__main__":
    main()
