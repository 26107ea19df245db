#!/usr/bin/env python3
"""Chapter 09 resumed after an epoch and in one, and from checkpoints that lie: with the right checksum, and contents that no
run has. Each of them is refused in one line, with status 1. Trains on 320 digits.

    test_cnn_checkpoint.py PROGRAM SOURCE [EVERY]

With EVERY, as sanitizers are slow, only each EVERY-th of the fields is spoiled, and a run is resumed with one set of options.
"""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import time
import zlib

from digits import make_digits

PROGRAM, MNIST = sys.argv[1], pathlib.Path(sys.argv[2]) / "data" / "mnist"
EVERY = int(sys.argv[3]) if len(sys.argv) > 3 else 1
CODES = {"F64": "d", "I64": "q", "F32": "f", "U8": "B"}


def read(path):
    """{name: (dtype, shape, bytes)} and the metadata of a checkpoint."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, numbers = json.loads(data[8:8 + length]), data[8 + length:]
    metadata = header.pop("__metadata__")
    return {name: (entry["dtype"], entry["shape"], numbers[slice(*entry["data_offsets"])])
            for name, entry in header.items()}, metadata


def checksum(tensors, metadata):
    """handgrad::io::checksum(), by the standard library."""
    crc = 0
    def add(*parts):
        nonlocal crc
        for part in parts:
            part = part if isinstance(part, bytes) else part.encode()
            crc = zlib.crc32(part, zlib.crc32(struct.pack("<Q", len(part)), crc))
    for key in sorted(metadata):
        if key != "handgrad.crc32":
            add(key, metadata[key])
    for name in sorted(tensors):
        dtype, shape, numbers = tensors[name]
        add(name, dtype, str(tuple(shape)), numbers)
    return f"{crc:08x}"


def write(path, tensors, metadata):
    """Writes a checkpoint with the checksum of its contents."""
    header, data = {"__metadata__": {**metadata, "handgrad.crc32": checksum(tensors, metadata)}}, b""
    for name, (dtype, shape, numbers) in sorted(tensors.items(), key=lambda entry: list(CODES).index(entry[1][0])):
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(numbers)]}
        data += numbers
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def run(folder, data, *options):
    return subprocess.run([PROGRAM, "--data", data, "--preset", "good", "--log-interval", "2", "--threads", "1", "--out",
                           folder / "out", *options], capture_output=True, text=True, timeout=600)


def train(folder, data, *options):
    done = run(folder, data, *options)
    assert done.returncode == 0 and done.stderr == "", done
    return done.stdout


def position(path):
    """Epoch and batch where a checkpoint goes on."""
    return struct.unpack("<2q", read(path)[0]["loader.state"][2])


def save_in_epoch(folder, data, path, *options):
    """Takes a checkpoint out of the middle of an epoch of a long run."""
    running = subprocess.Popen([PROGRAM, "--data", data, "--preset", "good", "--log-interval", "2", "--threads", "1", "--out",
                                folder / "out", *options, "--epochs", "100000", "--save", folder / "long", "--save-every", "3"],
                               stdout=subprocess.DEVNULL)
    try:
        for _ in range(60000):
            if (folder / "long").exists():
                path.write_bytes((folder / "long").read_bytes())
                if position(path)[1] == 3:
                    return
            assert running.poll() is None
            time.sleep(0.001)
        raise SystemExit("nothing was saved in a minute")
    finally:
        running.kill()
        running.wait()
        (folder / "long").unlink(missing_ok=True)


def test_resumed(folder, data):
    """Resumed after an epoch and its step of the scheduler, and in an epoch: the same file as without a break."""
    saved, resumed, whole = folder / "saved", folder / "resumed", folder / "whole"
    for options in ([], ["--unfused"], ["--gamma", "0.5", "--momentum", "0"])[EVERY > 1:][::EVERY]:
        for in_epoch in (False, True):
            if in_epoch:
                save_in_epoch(folder, data, saved, *options)
            else:
                train(folder, data, *options, "--epochs", "1", "--save", saved)
                assert position(saved) == (1, 0)
            epochs = str(position(saved)[0] + 2)
            train(folder, data, *options, "--epochs", epochs, "--resume", saved, "--save", resumed)
            train(folder, data, *options, "--epochs", epochs, "--save", whole)
            assert resumed.read_bytes() == whole.read_bytes(), f"{options}, {position(saved)}: not as without a break"
        other = run(folder, data, "--resume", saved, *([] if options else ["--unfused"]))
        assert other.returncode == 1 and "a run can only be resumed with the same options" in other.stderr, other


def list_of(dtype, values):
    return dtype, [len(values)], struct.pack(f"<{len(values)}{CODES[dtype]}", *values)


def test_lies(folder, data):
    path, forged = folder / "run", folder / "forged"
    train(folder, data, "--epochs", "2", "--save", path)
    tensors, metadata = read(path)
    write(forged, tensors, metadata)
    assert "goes on in epoch 3 at batch 1 of 5\n" in train(folder, data, "--epochs", "2", "--resume", forged)
    lists = {name: (dtype, [0], b"") for name, (dtype, _, _) in tensors.items() if name.startswith("history.")}
    empty = "tensor 'history.test_losses' has shape (0,), expected (3,)"

    def refused(text, changed, names=metadata, data=data):
        write(forged, {**tensors, **changed}, names)
        done = run(folder, data, "--epochs", "3", "--resume", forged)
        expected = f"09_cnn: {forged}: {text}"
        assert done.returncode == 1 and done.stderr.startswith(expected) and done.stderr.count("\n") == 1, \
            f"expected {expected}, got status {done.returncode}: {done.stderr[:1000]}"

    refused(empty, lists)
    refused(empty, {name: empties for name, empties in lists.items() if "test" in name})
    refused("tensor 'history.test_losses' has shape (3,), expected (1000,)", {"loader.state": list_of("I64", [999, 0])})
    for name, dtype, values, text in [
        ("history.test_correct", "I64", [1, 2, 10**12], "holds 1000000000000 at entry 2, expected 0 to 10"),
        ("history.test_correct", "I64", [11, 2, 3], "holds 11 at entry 0, expected 0 to 10"),
        ("history.test_losses", "F64", [2, 1, -1], "holds -1 at entry 2, expected at least 0"),
        ("history.test_examples", "I64", [0, 640, 320], "holds 320 at entry 2, expected 640 to 640"),
        ("epoch.counts", "I64", [2**62, 320, 5], "holds 4611686018427387904 correct answers, expected 0 to 320"),
        ("epoch.loss_sum", "F64", [-3.5], "holds -3.5, expected at least 0"),
        ("loader.state", "I64", [2**63 - 1, 0], "holds 9223372036854775807 epochs, expected 0 to 1000000000"),
        ("optimizer.lr", "F64", [-0.5], ": SGD: lr is -0.5, expected a finite number, at least 0"),
    ]:
        refused(f"tensor '{name}'{'' if text[0] == ':' else ' '}{text}", {name: list_of(dtype, values)})
    for key in list(metadata)[::EVERY]:
        if key != "handgrad.crc32":
            refused("", {}, {**metadata, key: metadata[key] + "\n" + "9" * 1000000})
            refused("", {}, {other: text for other, text in metadata.items() if other != key})
    for name in list(tensors)[::EVERY]:
        dtype, shape, numbers = tensors[name]
        refused(f"tensor '{name}' has ", {name: ("U8", [len(numbers)], numbers)})
        if len(shape) > 1:
            refused(f"tensor '{name}' has shape ", {name: (dtype, shape[::-1], numbers)})
    for other, text in [
        (make_digits(MNIST, folder / "tests", (0, 320), (0, 200)), "was tested on 10 examples in 1 batches, CRC-32 "),
        (make_digits(MNIST, folder / "others", (0, 320), (10, 20)), "was tested on 10 examples in 1 batches, CRC-32 "),
        (make_digits(MNIST, folder / "images", (320, 640), (0, 10)), "was trained on 320 examples in 5 batches, CRC-32 "),
    ]:
        refused(text, {}, data=other)


with tempfile.TemporaryDirectory() as name:
    here = pathlib.Path(name)
    digits = make_digits(MNIST, here / "digits", (0, 320), (0, 10))
    test_resumed(here, digits)
    test_lies(here, digits)
