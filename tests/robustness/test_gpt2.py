#!/usr/bin/env python3
"""test_gpt2.py PROGRAM SOURCE: chapter 17's program writes with a small model in GPT-2's files what PyTorch writes, and what it
refuses, it refuses in one line."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

program, source = sys.argv[1], pathlib.Path(sys.argv[2])
sys.dont_write_bytecode = True


def run(*arguments):
    return subprocess.run([program, *map(str, arguments), "--out", "out"], capture_output=True, text=True, check=False)


def results():
    return json.loads(pathlib.Path("out/run.json").read_text(encoding="utf-8"))["results"]


def refused(status, message, *arguments):
    ran = run(*arguments)
    lines = ran.stderr.splitlines()
    if ran.returncode != status or len(lines) != 1 or message not in lines[0]:
        sys.exit(f"{arguments}: status {ran.returncode}, expected {status} and one line with {message!r}, got: {ran.stderr}")


def check(holds, what):
    if not holds:
        sys.exit(f"does not hold: {what}")


def test():
    expected = json.loads(pathlib.Path("gpt2/texts.json").read_text(encoding="utf-8"))
    prompt, count = expected["prompt"], 12
    model = ("--weights", "gpt2/model.safetensors", "--characters", count)
    for device in ("cpu", "thrust"):
        ran = run(*model, "--prompt", prompt, "--top-k", 1, "--device", device)
        if device == "thrust" and ran.returncode == 2:
            continue  # a build without Thrust
        check(ran.returncode == 0, ran.stderr)
        check(results()["tokens"] == expected["continued"], f"the likeliest tokens are PyTorch's on {device}")
    check("The text has 13 tokens: T|o| b|e|,| |or| n|o|t| to| b|e\n" in ran.stdout, "the tokens of the text are shown")
    check("35584 parameters: 2 blocks of width 32 with 4 heads" in ran.stdout, "the sizes are the file's")

    # Drawn text depends on the seed, and on nothing else.
    drawn = []
    for seed, threads in ((1, 1), (1, 2), (2, 1)):
        run(*model, "--prompt", prompt, "--temperature", 2, "--top-k", 300, "--seed", seed, "--threads", threads)
        drawn.append(results()["tokens"])
    check(drawn[0] == drawn[1] != drawn[2], "drawn text depends on the seed alone")
    pathlib.Path("prompt.txt").write_text(prompt, encoding="utf-8")
    run(*model, "--prompt-file", "prompt.txt", "--vocab", "gpt2/vocab.json", "--merges", "gpt2/merges.txt", "--top-k", 1)
    check(results()["tokens"] == expected["continued"], "the files can be named by options")

    refused(2, "--weights needs a text to continue: expected --prompt or --prompt-file", *model)
    refused(2, "--prompt and --prompt-file: expected one", *model, "--prompt", "a", "--prompt-file", "prompt.txt")
    refused(2, "--weights does not train: expected no --save and no --resume", *model, "--prompt", "a", "--save", "run")
    refused(2, "--vocab and --merges are GPT-2's: expected --weights, too", "--vocab", "gpt2/vocab.json")
    refused(1, "cannot read 'none': No such file or directory", "--weights", "none", "--prompt", "a")
    refused(1, "cannot read 'none': No such file or directory", *model, "--prompt", "a", "--merges", "none")
    refused(1, "--prompt: byte 1 is no UTF-8, expected text in UTF-8", *model, "--prompt", "a\udcff")
    refused(1, "5 heads do not divide the 32 channels of wte.weight", *model, "--prompt", "a", "--heads", 5)
    vocabulary = json.loads(pathlib.Path("gpt2/vocab.json").read_text(encoding="utf-8"))
    del vocabulary["<|endoftext|>"]
    pathlib.Path("less.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    refused(1, "less.json: 299 tokens, expected 300, the rows of wte.weight in gpt2/model.safetensors", *model, "--prompt", "a",
            "--vocab", "less.json")
    whole = pathlib.Path("gpt2/model.safetensors").read_bytes()
    pathlib.Path("cut.safetensors").write_bytes(whole[:-4])
    refused(1, "the file is truncated", "--weights", "cut.safetensors", "--prompt", "a")


with tempfile.TemporaryDirectory() as folder:
    shutil.copytree(source / "tests" / "fixtures" / "gpt2", pathlib.Path(folder) / "gpt2")
    os.chdir(folder)
    test()
    os.chdir("/")
