#!/usr/bin/env python3
"""The lecture's CNN in PyTorch: what chapter 09's is compared with in time.

    /usr/bin/python3 tests/benchmarks/torch_cnn.py epoch FOLDER_OF_MNIST [--threads 1] [--epochs 1] [--limit N]
    /usr/bin/python3 tests/benchmarks/torch_cnn.py growth --cases 64x28 64x56 [--threads 1] [--seconds 0.3]

epoch: on a CPU or a GPU. All images are tensors of floats, in random order, before the clock starts; a batch of 64 is a slice of them, so
that no shuffling and no copying is timed. Prints one line of JSON with the seconds of every epoch.
growth: training steps on random images, each case a batch size and an image size. Prints the seconds an image takes.
"""
import argparse
import json
import os
import pathlib
import time

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
commands = parser.add_subparsers(dest="command", required=True)
epoch_parser, growth_parser = commands.add_parser("epoch"), commands.add_parser("growth")
for one in (epoch_parser, growth_parser):
    one.add_argument("--threads", type=int, default=1)
epoch_parser.add_argument("folder")
epoch_parser.add_argument("--epochs", type=int, default=1)
epoch_parser.add_argument("--limit", type=int, default=60000)
epoch_parser.add_argument("--batch-size", type=int, default=64)
epoch_parser.add_argument("--device", default="cpu")
growth_parser.add_argument("--cases", nargs="+", required=True)
growth_parser.add_argument("--seconds", type=float, default=0.3)
arguments = parser.parse_args()
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # the best for PyTorch: see torch_mnist.py

import torch  # noqa: E402

from allocator import keep_freed_memory  # noqa: E402
from torch_mnist import read, train  # noqa: E402


def cnn(size, device="cpu"):
    nn = torch.nn
    side = ((size - 4) // 2 - 4) // 2
    model = nn.Sequential(nn.Conv2d(1, 10, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(10, 20, 5), nn.ReLU(),
                          nn.MaxPool2d(2), nn.Flatten(), nn.Linear(20 * side * side, 10)).to(device)
    return model, torch.optim.SGD(model.parameters(), lr=0.001), nn.CrossEntropyLoss()


def epochs(options):
    x = read(options.folder, "train-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28)[: options.limit].float() / 255
    y = read(options.folder, "train-labels-idx1-ubyte", 8)[: options.limit].long()
    order = torch.randperm(len(y))
    x, y = x[order].contiguous().to(options.device), y[order].contiguous().to(options.device)
    learner, size = cnn(28, options.device), options.batch_size

    def batches(end):
        return ((x[i:i + size], y[i:i + size]) for i in range(0, min(end, len(y)), size))

    train(*learner, batches(50 * size))  # for warming up
    seconds = []
    for _ in range(options.epochs):
        start = time.perf_counter()
        loss = train(*learner, batches(len(y)))
        if options.device != "cpu":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return {"torch": torch.__version__, "loss": loss, "seconds": seconds}


def growth(options):
    results = []
    for case in options.cases:
        batch, size = map(int, case.split("x"))
        learner = cnn(size)
        x, y = torch.rand(batch, 1, size, size), torch.arange(batch) % 10
        for _ in range(2):
            train(*learner, [(x, y)])
        steps, start = 0, time.perf_counter()
        while True:
            train(*learner, [(x, y)])
            steps += 1
            spent = time.perf_counter() - start
            if spent >= options.seconds:
                break
        results.append({"batch": batch, "size": size, "seconds": spent / (steps * batch)})
    return results


keep_freed_memory()
torch.set_num_threads(arguments.threads)
torch.manual_seed(0)
print(json.dumps(epochs(arguments) if arguments.command == "epoch" else growth(arguments)))
