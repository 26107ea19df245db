#!/usr/bin/env python3
"""The layers and the training step of gpt.cpp in PyTorch, in the same order.

    /usr/bin/python3 tests/benchmarks/torch_gpt.py [--threads 1] [--seconds 0.3]

Prints PyTorch's version, the number of parameters, and for each the seconds of the fastest of several calls.
"""
import argparse
import os

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--seconds", type=float, default=0.3)
arguments = parser.parse_args()
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # the best for PyTorch: see torch_mnist.py

import torch  # noqa: E402
from torch import nn  # noqa: E402

from timing import Times, optimizer  # noqa: E402

V, T, LAYERS, HEADS, C, B = 65, 64, 4, 4, 128, 12  # preset full
F = nn.functional
times = Times(arguments.threads, arguments.seconds)
add = times.add


def attended(qkv, kept=None, t=0):
    """Causal attention; or that of token t alone, whose key and value join those of earlier tokens in `kept`."""
    q, k, v = (part.view(*part.shape[:2], HEADS, C // HEADS).transpose(1, 2) for part in qkv.split(C, dim=2))
    if kept is not None:
        kept[0][:, :, t:t + 1], kept[1][:, :, t:t + 1] = k, v
        k, v = (x[:, :, :t + 1] for x in kept)
    if hasattr(F, "scaled_dot_product_attention"):
        y = F.scaled_dot_product_attention(q, k, v, is_causal=kept is None)
    else:  # before PyTorch 2
        z = (q @ k.transpose(-2, -1)) * (C // HEADS) ** -0.5
        if kept is None:
            z = z.masked_fill(later[:z.shape[-1], :z.shape[-1]], float("-inf"))
        y = torch.softmax(z, -1) @ v
    return y.transpose(1, 2).reshape(qkv.shape[0], -1, C)


later = torch.ones(T, T, dtype=torch.bool).triu(1)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.c_attn, self.c_proj = nn.Linear(C, 3 * C, bias=False), nn.Linear(C, C, bias=False)

    def forward(self, x, *kept):
        return self.c_proj(attended(self.c_attn(x), *kept))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.attn, self.ln_2 = nn.LayerNorm(C), Attention(), nn.LayerNorm(C)
        self.mlp = nn.Sequential(nn.Linear(C, 4 * C, bias=False), nn.GELU(approximate="tanh"),
                                 nn.Linear(4 * C, C, bias=False))

    def forward(self, x, *kept):
        x = x + self.attn(self.ln_1(x), *kept)
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(V, C), nn.Embedding(T, C)
        self.h, self.ln_f = nn.ModuleList(Block() for _ in range(LAYERS)), nn.LayerNorm(C)
        for p in self.parameters():
            if p.dim() == 2:
                nn.init.normal_(p, 0.0, 0.02)

    def forward(self, tokens, kept=None, t=0):
        x = self.wte(tokens) + self.wpe(positions[t:t + tokens.shape[1]])
        for i, block in enumerate(self.h):
            x = block(x) if kept is None else block(x, kept[i], t)
        return F.linear(self.ln_f(x), self.wte.weight)


positions = torch.arange(T)


def linear(name, features, out):
    x, dy, w = torch.randn(B * T, features), torch.randn(B * T, out), torch.randn(out, features)
    with torch.no_grad():
        add(f"{name}, {features} to {out}", lambda: F.linear(x, w))
        add("  dx", lambda: dy @ w)
        add("  dw", lambda: dy.T @ x)


def layer(name, f, *inputs):
    """Forward and backward of a layer, by PyTorch's automatic differentiation. All `inputs` have gradients."""
    with torch.no_grad():
        add(name, lambda: f(*inputs))
    for x in inputs:
        x.requires_grad_()
    y = f(*inputs)
    dy = torch.ones_like(y)
    add("  backward", lambda: torch.autograd.grad(y, inputs, dy, retain_graph=True))


def layers():
    for name, features, out in (("attn.c_attn", C, 3 * C), ("attn.c_proj", C, C), ("mlp.c_fc", C, 4 * C),
                                ("mlp.c_proj", 4 * C, C), ("tied head", C, V)):
        linear(name, features, out)
    layer("attention", attended, torch.randn(B, T, 3 * C))
    layer("gelu", lambda x: F.gelu(x, approximate="tanh"), torch.randn(B, T, 4 * C))
    x, w, b = torch.randn(B, T, C), torch.randn(C), torch.randn(C)
    layer("layer_norm", lambda x, w, b: F.layer_norm(x, (C,), w, b), x, w, b)
    x, y = torch.randn(B, T, C), torch.randn(B, T, C)
    add("sum of two", lambda: x + y)
    tokens = torch.randint(0, V, (B, T))
    layer("embeddings", lambda wte, wpe: F.embedding(tokens, wte) + F.embedding(positions, wpe), torch.randn(V, C),
          torch.randn(T, C))
    layer("cross_entropy", lambda z: F.cross_entropy(z.view(-1, V), tokens.view(-1)), torch.randn(B, T, V))


def writing():
    model = GPT()
    tokens = torch.randint(0, V, (1, T))
    kept = [torch.zeros(2, 1, HEADS, T, C // HEADS) for _ in range(LAYERS)]

    def whole():
        return [model(tokens[:, :t + 1])[0, -1] for t in range(T)]

    def with_cache():
        return [model(tokens[:, t:t + 1], kept, t)[0, -1] for t in range(T)]

    assert torch.allclose(torch.stack(whole()), torch.stack(with_cache()), atol=1e-5)
    add(f"scores of {T} tokens, one after another", whole)
    add("  with kept keys and values", with_cache)


def step():
    model = GPT()
    parameters = list(model.parameters())
    stepper = optimizer(torch.optim.AdamW, [{"params": [p for p in parameters if p.dim() == 2], "weight_decay": 0.1},
                                            {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0.0}],
                        lr=0.001, betas=(0.9, 0.99))
    text = torch.randint(0, V, (B, T + 1))  # the same mini-batch in every step: drawing another one takes no time
    inputs, targets = text[:, :-1].contiguous(), text[:, 1:].flatten()

    def gradients():
        stepper.zero_grad()
        F.cross_entropy(model(inputs).view(-1, V), targets).backward()

    def whole():
        gradients()
        clip()
        stepper.step()

    def clip():
        nn.utils.clip_grad_norm_(parameters, 1.0)

    gradients()
    add("gradients to zero", stepper.zero_grad)
    gradients()
    add("clipping", clip)
    add("AdamW", stepper.step)
    add("training step", whole)
    return sum(p.numel() for p in parameters)


layers()
with torch.no_grad():
    writing()
times.print(parameters=step())
