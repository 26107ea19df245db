#!/usr/bin/env python3
"""Write the weights of a PyTorch model as safetensors, for handgrad's load_weights().

    export_torch.py weights.pt model.safetensors

weights.pt is what torch.save(model.state_dict(), "weights.pt") made; torch.save({"state_dict": ...}) will do as well.
A weight of two dimensions, nn.Linear's, is transposed: PyTorch keeps it as (out, in), handgrad as (in, out).

In a program: write_safetensors("model.safetensors", model.state_dict()). It needs Python's standard library alone, and
takes NumPy's arrays too. The format is described in lib/handgrad/io/safetensors.hpp.
"""
import array
import json
import os
import struct
import sys

# The name of a type in PyTorch and NumPy; in the file; in the module array. Larger numbers first, as in the file.
DTYPES = {"float64": ("F64", "d"), "int64": ("I64", "q"), "float32": ("F32", "f"), "uint8": ("U8", "B")}


def write_safetensors(path, state_dict, metadata=None, transpose=True):
    """Write tensors to a file, which is complete or not there.

    path        the file
    state_dict  names and tensors, as model.state_dict() gives them: float64, float32, int64 or uint8
    metadata    names and texts to be kept in the file
    transpose   turn every tensor of two dimensions whose name ends in "weight"; False writes them as they are
    """
    tensors = [_stored(name, tensor, transpose) for name, tensor in state_dict.items()]
    order = list(DTYPES)
    tensors.sort(key=lambda tensor: order.index(tensor[1]))  # keeps the order of equals; all numbers are aligned

    header, offset = {}, 0
    if metadata:
        header["__metadata__"] = {str(key): str(text) for key, text in metadata.items()}
    for name, dtype, shape, numbers in tensors:
        header[name] = {"dtype": DTYPES[dtype][0], "shape": shape, "data_offsets": [offset, offset + len(numbers)]}
        offset += len(numbers)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)

    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "xb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for *_, numbers in tensors:
                file.write(numbers)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def _stored(name, tensor, transpose):
    dtype = str(tensor.dtype).rpartition(".")[2]  # "torch.float32"
    if dtype not in DTYPES:
        raise ValueError(f"tensor '{name}' has dtype {dtype}, expected {', '.join(DTYPES)}")
    if transpose and len(tensor.shape) == 2 and name.split(".")[-1] == "weight":
        tensor = tensor.T
    numbers = array.array(DTYPES[dtype][1], tensor.reshape(-1).tolist())  # row by row; a float goes through a double
    if sys.byteorder == "big":
        numbers.byteswap()
    return name, dtype, [int(extent) for extent in tensor.shape], numbers.tobytes()


def main(arguments):
    if len(arguments) != 2 or arguments[0].startswith("-"):
        print("usage: export_torch.py WEIGHTS.pt MODEL.safetensors", file=sys.stderr)
        return 2
    try:
        import torch
    except ImportError:
        print("export_torch.py: this Python has no PyTorch (Debian: python3-torch)", file=sys.stderr)
        return 1
    source, target = arguments
    try:
        # weights_only: a pickle may contain any program, and nobody should run one to read some numbers.
        state_dict = torch.load(source, map_location="cpu", weights_only=True)
        if isinstance(state_dict, dict) and isinstance(state_dict.get("state_dict"), dict):
            state_dict = state_dict["state_dict"]
        if not isinstance(state_dict, dict) or not all(isinstance(t, torch.Tensor) for t in state_dict.values()):
            raise ValueError("it is no state_dict: names and tensors, nothing else")
        write_safetensors(target, state_dict)
    except Exception as error:  # whatever it is, a line says it better than a traceback
        print(f"export_torch.py: {source} -> {target}: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    for name, tensor in state_dict.items():
        print(f"{name}: {str(tensor.dtype).rpartition('.')[2]} {tuple(tensor.shape)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
