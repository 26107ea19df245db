#!/usr/bin/env python3
"""The operations and the training step of deep.cpp in PyTorch, in the same order.

    /usr/bin/python3 tests/benchmarks/torch_deep.py [--threads 1] [--seconds 0.3] [--batch 128]

Prints PyTorch's version, and for each the seconds of the fastest of several calls.
"""
import argparse
import os

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--seconds", type=float, default=0.3)
parser.add_argument("--batch", type=int, default=128)
arguments = parser.parse_args()
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # the best for PyTorch: see torch_mnist.py

import torch  # noqa: E402
from torch import nn  # noqa: E402

from timing import Times, optimizer  # noqa: E402

BATCH = arguments.batch
F, aten = nn.functional, torch.ops.aten
times = Times(arguments.threads, arguments.seconds)
add = times.add


def convolution(channels, out, side, kernel, stride):
    x, w = torch.randn(BATCH, channels, side, side), torch.randn(out, channels, kernel, kernel)
    dy = torch.randn_like(F.conv2d(x, w, None, stride, kernel // 2))
    add(f"conv2d {kernel} x {kernel}, {channels} to {out}, on {side} x {side}"
        + (f", stride {stride}" if stride > 1 else ""), lambda: F.conv2d(x, w, None, stride, kernel // 2))
    add("  backward", lambda: aten.convolution_backward(dy, x, w, [0], [stride] * 2, [kernel // 2] * 2, [1, 1], False,
                                                        [0, 0], 1, [True, True, False]))


def convolutions():
    for width in (16, 32):
        convolution(width, width, 28, 3, 1)
        convolution(width, 2 * width, 28, 3, 2)
        convolution(width, 2 * width, 28, 1, 2)
        convolution(2 * width, 2 * width, 14, 3, 1)
        convolution(2 * width, 4 * width, 14, 3, 2)
        convolution(4 * width, 4 * width, 7, 3, 1)


def batch_norm(shape):
    x, dy, w = torch.randn(shape), torch.randn(shape), torch.randn(shape[1])
    _, mean, rstd = aten.native_batch_norm(x, w, w, None, None, True, 0.1, 1e-5)
    add(f"batch_norm {shape}", lambda: aten.native_batch_norm(x, w, w, None, None, True, 0.1, 1e-5))
    add("  backward", lambda: aten.native_batch_norm_backward(dy, x, w, None, None, mean, rstd, True, 1e-5, [True] * 3))


def others():
    shape = (BATCH, 32, 28, 28)
    x, dy = torch.randn(shape), torch.randn(shape)
    add(f"add {shape}", lambda: x + dy)
    add(f"dropout {shape}", lambda: F.dropout(x, 0.5, True))
    add(f"leaky_relu {shape}", lambda: F.leaky_relu(x))
    add("  backward", lambda: aten.leaky_relu_backward(dy, x, 0.01, False))
    add(f"silu {shape}", lambda: F.silu(x))
    add("  backward", lambda: aten.silu_backward(dy, x))
    add(f"gelu {shape}", lambda: F.gelu(x, approximate="tanh"))
    add("  backward", lambda: aten.gelu_backward(dy, x, approximate="tanh"))
    add(f"global average pooling {shape}", lambda: F.adaptive_avg_pool2d(x, 1))
    rows, w = torch.randn(BATCH, 1024), torch.randn(1024)
    _, mean, rstd = aten.native_layer_norm(rows, [1024], w, w, 1e-5)
    add(f"layer_norm ({BATCH}, 1024)", lambda: aten.native_layer_norm(rows, [1024], w, w, 1e-5))
    add("  backward", lambda: aten.native_layer_norm_backward(rows, rows, [1024], mean, rstd, w, w, [True] * 3))


def steps():
    for name, kind, options in (("sgd with momentum", torch.optim.SGD, {"lr": 0.01, "momentum": 0.9}),
                                ("rmsprop", torch.optim.RMSprop, {}), ("adam", torch.optim.Adam, {}),
                                ("adamw", torch.optim.AdamW, {})):
        p = nn.Parameter(torch.randn(512, 512))
        p.grad = torch.randn(512, 512)
        add(f"{name}, step (512, 512)", optimizer(kind, [p], **options).step)


def conv_norm(channels, out, kernel, stride):
    return nn.Sequential(nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(out))


class Block(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        self.body = nn.Sequential(conv_norm(channels, out, 3, stride), nn.ReLU(), conv_norm(out, out, 3, 1))
        self.beside = nn.Identity() if channels == out else conv_norm(channels, out, 1, stride)

    def forward(self, x):
        return torch.relu(self.body(x) + self.beside(x))


def network(w):
    model = nn.Sequential(conv_norm(1, w, 3, 1), nn.ReLU(), Block(w, w, 1), Block(w, 2 * w, 2), Block(2 * w, 4 * w, 2),
                          nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * w, 10))
    criterion, stepper = nn.CrossEntropyLoss(), optimizer(torch.optim.AdamW, model.parameters())
    x, y = torch.randn(BATCH, 1, 28, 28), torch.arange(BATCH) % 10

    def step():
        stepper.zero_grad()
        criterion(model(x), y).backward()
        stepper.step()
    add(f"training step of the residual CNN, W = {w}", step)


with torch.no_grad():
    convolutions()
    for a_shape in ((BATCH, 32, 28, 28), (BATCH, 128, 7, 7), (BATCH, 1024)):
        batch_norm(a_shape)
    others()
    steps()
for a_width in (16, 32):
    network(a_width)
times.print()
