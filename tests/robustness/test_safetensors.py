#!/usr/bin/env python3
"""Reads a checkpoint that handgrad wrote with a reader of a few lines, as any Python program could, and looks at what
lib/tools/export_torch.py writes. The part with PyTorch runs where there is one.

    test_safetensors.py SOURCE
"""
import contextlib
import io
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import types

SOURCE = pathlib.Path(sys.argv[1])
TOOL = SOURCE / "lib" / "tools" / "export_torch.py"
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOOL.parent))
import export_torch  # noqa: E402


def read(path):
    """Names and (dtype, shape, values), and the metadata."""
    data = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__", {})
    codes = {"F64": "d", "I64": "q", "F32": "f", "U8": "B"}
    tensors, covered = {}, 0
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        assert begin == covered, name
        code = codes[entry["dtype"]]
        count = (end - begin) // struct.calcsize(code)
        assert (8 + length + begin) % struct.calcsize(code) == 0, name + " is not aligned"
        values = struct.unpack(f"<{count}{code}", data[8 + length + begin:8 + length + end])
        tensors[name] = (entry["dtype"], entry["shape"], list(values))
        covered = end
    assert 8 + length + covered == len(data)
    return tensors, metadata


class Tensor:
    """As much of a tensor as the tool looks at: its numbers are those of a matrix, row by row."""

    def __init__(self, dtype, shape, values):
        self.dtype, self.shape, self.values = dtype, shape, values

    @property
    def T(self):
        rows, columns = self.shape
        return Tensor(self.dtype, (columns, rows), [self.values[i * columns + j]
                                                    for j in range(columns) for i in range(rows)])

    def reshape(self, _):
        return types.SimpleNamespace(tolist=lambda: self.values)


def test_checkpoint():
    for version in "123":
        file = "checkpoint.safetensors" if version == "1" else f"checkpoint_{version}.safetensors"
        check_checkpoint(version, *read(SOURCE / "tests" / "fixtures" / file))


def check_checkpoint(version, tensors, metadata):
    assert tensors["1.weight"] == ("F32", [16, 5], [i / 8 for i in range(80)]), tensors["1.weight"]
    assert tensors["3.bias"] == ("F32", [3], [-0.5, 0.0, 0.5])
    assert tensors["optimizer.lr"] == ("F64", [1], [0.1])
    assert tensors["loader.state"] == ("I64", [2], [1, 2])
    assert tensors["history.train_losses"] == ("F64", [2], [1.25, 1 / 3])
    assert metadata["handgrad.checkpoint"] == version
    assert metadata["option.--batch-size"] == "5"
    assert metadata["handgrad.model"].startswith("Sequential(\n")


def test_export(folder):
    path = folder / "x.safetensors"
    export_torch.write_safetensors(path, {
        "fc.weight": Tensor("torch.float32", (2, 3), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        "weights": Tensor("float32", (2, 1), [7.0, 8.0]),
        "steps": Tensor("torch.int64", (), [-9]),
        "conv.weight": Tensor("torch.float64", (1, 1, 2, 1), [0.1, -0.0]),
    }, {"made by": "a test"})
    tensors, metadata = read(path)
    assert tensors == {
        "conv.weight": ("F64", [1, 1, 2, 1], [0.1, -0.0]),
        "steps": ("I64", [], [-9]),
        "fc.weight": ("F32", [3, 2], [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]),
        "weights": ("F32", [2, 1], [7.0, 8.0]),
    }, tensors
    assert metadata == {"made by": "a test"}
    before = path.read_bytes()
    try:
        export_torch.write_safetensors(path, {"h": Tensor("torch.float16", (1,), [1.0])})
        raise SystemExit("float16 was written")
    except ValueError as error:
        assert str(error) == "tensor 'h' has dtype float16, expected float64, int64, float32, uint8", error
    assert path.read_bytes() == before
    export_torch.write_safetensors(path, {"a.weight": Tensor("float32", (1, 2), [1.0, 2.0])}, transpose=False)
    assert read(path)[0] == {"a.weight": ("F32", [1, 2], [1.0, 2.0])}
    assert [entry.name for entry in folder.iterdir()] == ["x.safetensors"]


def test_program(folder):
    def run(*arguments):
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            status = export_torch.main([str(argument) for argument in arguments])
        return status, errors.getvalue()

    done = subprocess.run([sys.executable, str(TOOL)], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("usage: "), done
    try:
        import torch
    except ImportError:
        print("PyTorch is not there: the tool was tested without it")
        return
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Linear(3, 2))
    for kept in (net.state_dict(), {"state_dict": net.state_dict(), "epoch": 3}):
        torch.save(kept, folder / "w.pt")
        assert run(folder / "w.pt", folder / "w.safetensors") == (0, "")
        tensors, _ = read(folder / "w.safetensors")
        assert tensors.keys() == net.state_dict().keys()
        for name, tensor in net.state_dict().items():
            tensor = tensor.T if name == "2.weight" else tensor
            dtype, shape, values = tensors[name]
            assert dtype == ("I64" if tensor.dtype == torch.int64 else "F32") and shape == list(tensor.shape), name
            assert torch.equal(torch.tensor(values, dtype=tensor.dtype).reshape(tensor.shape), tensor), name
    before = (folder / "w.safetensors").read_bytes()
    torch.save(torch.zeros(2), folder / "tensor.pt")
    (folder / "text.pt").write_text("no weights")
    for wrong in ("missing.pt", "tensor.pt", "text.pt"):
        status, message = run(folder / wrong, folder / "w.safetensors")
        assert status == 1 and message.startswith("export_torch.py: ") and message.count("\n") == 1, message
    assert run(folder / "w.pt", folder / "missing" / "w.safetensors")[0] == 1
    assert (folder / "w.safetensors").read_bytes() == before


test_checkpoint()
for test in (test_export, test_program):
    with tempfile.TemporaryDirectory() as folder:
        test(pathlib.Path(folder))
