#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets to corpus/: files as they should be, and files with one thing wrong each. What the
fuzzer adds (tests/fuzz/run --keep) has the hash of its contents as its name and is left alone.

    make_corpus.py
"""
import gzip
import json
import pathlib
import struct
import zlib

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent


def keep(target, name, data):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def idx(extents, values, kind=8, rank=None):
    rank = len(extents) if rank is None else rank
    return struct.pack(f">HBB{len(extents)}I", 0, kind, rank, *extents) + bytes(values)


def zipped(data):
    return gzip.compress(data, mtime=0)


def make_idx():
    images, labels = idx([2, 3, 4], range(24)), idx([5], [7, 2, 1, 0, 4])
    for name, rank, data in [
        ("images", 3, images), ("labels", 1, labels), ("empty_labels", 1, idx([0], [])), ("matrix", 2, idx([2, 2], range(4))),
        ("rank_4", 4, idx([1, 1, 2, 2], range(4))), ("wrong_rank", 1, images), ("wrong_type", 1, idx([2], [0, 0], kind=0x0D)),
        ("truncated", 3, images[:-1]), ("too_long", 3, images + b"\0"), ("only_header", 3, images[:7]),
        ("promise", 3, idx([0x80000000, 28, 28], [])), ("promise_2_40", 3, idx([1 << 20, 1 << 10, 1 << 10], range(9))),
        ("overflow", 3, idx([0x80000000, 0x80000000, 4], [])), ("zero_times_much", 3, idx([0, 0xFFFFFFFF, 0xFFFFFFFF], [])),
    ]:
        keep("idx", name, bytes([rank - 1]) + data)
        keep("idx", name + ".gz", bytes([rank - 1]) + zipped(data))
    keep("idx", "nothing", b"\0")


def make_gzip():
    text = b"To be, or not to be, that is the question. " * 20
    whole = zipped(text)
    named = whole[:3] + b"\x08" + whole[4:10] + b"name\0" + whole[10:]
    extra = whole[:3] + b"\x1e" + whole[4:10] + b"\2\0ab" + b"name\0" + b"comment\0"
    extra += struct.pack("<H", zlib.crc32(extra) & 0xFFFF) + whole[10:]
    for name, data in [("text", whole), ("named", named), ("all_fields", extra), ("empty", zipped(b"")), ("plain", text[:50]),
                       ("truncated", whole[:-9]), ("two_members", whole + zipped(b"more")), ("bomb", zipped(bytes(300000))),
                       ("wrong_checksum", whole[:-8] + b"\0\0\0\0" + whole[-4:])]:
        keep("gzip", name, data)
    for level in (0, 1, 9):
        packer = zlib.compressobj(level, zlib.DEFLATED, -15)
        keep("gzip", f"deflate_{level}", packer.compress(text) + packer.flush())
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_FIXED)
    keep("gzip", "deflate_fixed", packer.compress(text[:99]) + packer.flush())


def tensors(header, numbers=b""):
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + numbers


def entry(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def make_safetensors():
    numbers = struct.pack("<2q3f", 7, -1, 1.0, -2.0, 0.5)
    whole = tensors({"__metadata__": {"made by": "hand"}, "n": entry("I64", [2], 0, 16), "w": entry("F32", [1, 3], 16, 28)},
                    numbers)
    for name, data in [
        ("two", whole), ("none", tensors({})), ("padded", tensors(b"{}      ")), ("truncated", whole[:-3]),
        ("doubles", tensors({"d": entry("F64", [2], 0, 16)}, struct.pack("<2d", float("nan"), 1e300))),
        ("bytes", tensors({"b": entry("U8", [2, 2], 0, 4), "none": entry("U8", [0, 3], 4, 4)}, b"\0\1\2\xff")),
        ("gap", tensors({"b": entry("U8", [2], 1, 3)}, b"\0\1\2")), ("half", tensors({"h": entry("F16", [2], 0, 4)}, bytes(4))),
        ("promise_2_40", tensors({"a": entry("F32", [1 << 20, 1 << 20], 0, 1 << 42)})),
        ("promise_strides", tensors({"a": entry("F32", [0, 1 << 62], 0, 0)})),
        ("long_header", struct.pack("<Q", 1 << 60) + b"{}"), ("escapes", tensors(b'{"__metadata__":{"\\u00e9\\n":"\\"\\\\"}}')),
        ("twice", tensors(b'{"__metadata__":{},"__metadata__":{}}')), ("deep", tensors(b'{"a":{"shape":' + b"[" * 200)),
    ]:
        keep("safetensors", name, data)


def make_checkpoint():
    keep("checkpoint", "whole_1", (SOURCE / "tests" / "fixtures" / "checkpoint.safetensors").read_bytes())
    keep("checkpoint", "whole_2", (SOURCE / "tests" / "fixtures" / "checkpoint_2.safetensors").read_bytes())
    whole = (SOURCE / "tests" / "fixtures" / "checkpoint_3.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", whole[:8])
    text, numbers = whole[8:8 + length], whole[8 + length:]
    header = json.loads(text)
    keep("checkpoint", "whole", whole)
    keep("checkpoint", "truncated", whole[:-1])
    for name, change in [("no_version", lambda h: h["__metadata__"].pop("handgrad.checkpoint")),
                         ("no_checksum", lambda h: h["__metadata__"].pop("handgrad.crc32")),
                         ("no_bias", lambda h: h.update({"other": h.pop("3.bias")})),
                         ("no_test_data", lambda h: h["__metadata__"].pop("handgrad.test_data")),
                         ("other_data", lambda h: h["__metadata__"].update({"handgrad.data": "23 examples in 5 batches"})),
                         ("other_seed", lambda h: h["__metadata__"].update({"option.--seed": "5"})),
                         ("other_type", lambda h: h["3.bias"].update(dtype="U8", shape=[12])),
                         ("random", lambda h: h["__metadata__"].update({"handgrad.random": "handgrad-random-1 3 0 999 -"}))]:
        changed = json.loads(json.dumps(header))
        change(changed)
        keep("checkpoint", name, tensors(changed, numbers))

    # Version 1 before the first step: without momentum, everything counted is 0, and the history is empty.
    first, data = {"__metadata__": {**header["__metadata__"], "handgrad.checkpoint": "1",
                                    "handgrad.data": "23 examples in 5 batches"}}, b""
    del first["__metadata__"]["handgrad.test_data"]
    for name, (dtype, shape, offsets) in ((name, value.values()) for name, value in header.items() if "shape" in value):
        part = numbers[slice(*offsets)]
        if name.startswith(("loader.", "epoch.")):
            part = bytes(len(part))
        if name.startswith("history."):
            part, shape = b"", [0]
        if not name.startswith("optimizer.momentum"):
            first[name] = entry(dtype, shape, len(data), len(data) + len(part))
            data += part
    keep("checkpoint", "first_1", tensors(first, data))


def make_text():
    names = "\n".join(["anna", "ben", "cleo", "dora", "emil", "fay", "gus", "hal", "ida", "jo", "kim"]).encode()
    for name, text in [
        ("names", names), ("names_end", names + b"\n"), ("empty_line", names.replace(b"ben", b"")), ("nothing", b""),
        ("long_line", names + b"\n" + b"a" * 101), ("few", b"anna\nben"), ("windows", names.replace(b"\n", b"\r\n")),
        ("mark", b"\xef\xbb\xbf" + names), ("two_marks", b"\xef\xbb\xbf" * 2 + names), ("mark_alone", b"\xef\xbb\xbf"),
        ("characters", "é€😀\ta".encode()), ("latin_1", "René".encode("latin-1")), ("overlong", b"a\xc0\xaf"),
        ("surrogate", b"\xed\xa0\x80"), ("beyond", b"\xf4\x90\x80\x80"), ("cut", b"\xe2\x82"), ("zero", b"a\0b"),
        ("carriage_return", b"a\rb"), ("delete", b"a\x7f"),
    ]:
        keep("text", name, text)
    keep("text", "names.gz", zipped(names))
    keep("text", "cut.gz", zipped(names)[:20])
    keep("text", "bomb.gz", zipped(b"a" * 70000))


def make_byte_pair():
    bytes_ = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(b) for b in bytes_] + [chr(256 + i) for i in range(256 - len(bytes_))]
    tokens = {token: i for i, token in enumerate(letters + ["th", "the", "aa"])}
    for name, value in [("good", tokens), ("another", {**tokens, "<|end|>": 259}), ("no_byte", {"the": 0}), ("gap", {**tokens, "q": 300}),
                        ("twice", {**tokens, "qq": 7}), ("text", {**tokens, "qq": "7"}), ("negative", {**tokens, "qq": -1}),
                        ("list", {**tokens, "qq": [1]}), ("object", {**tokens, "qq": {"a": 1}}), ("blank", {**tokens, " ": 259}), ("only_list", [1])]:
        keep("byte_pair", "vocabulary_" + name, b"\0" + json.dumps(value).encode())
    keep("byte_pair", "vocabulary_cut", b"\0" + json.dumps(tokens).encode()[:-9])
    keep("byte_pair", "vocabulary_utf8", b"\0" + json.dumps(tokens, ensure_ascii=False).encode())
    for name, text in [("good", "t h\nth e\n"), ("windows", "#version: 0.2\r\nt h\r\na a\r\n"), ("one", "th\n"), ("three", "t h e\n"), ("empty", "t h\n\n"),
                       ("unknown", "q q\n"), ("twice", "t h\nt h\n"), ("blanks", " \n"), ("none", "")]:
        keep("byte_pair", "merges_" + name, b"\1" + text.encode())
    for name, text in [("words", "the 12th, isn't it\u2019s\n\n  caf\u00e9".encode()), ("signs", "\u65e5\u672c \U0001f600\u00a0\u180e\u2003x\0".encode()),
                       ("latin_1", b"caf\xe9"), ("cut", b"a\xe4\xb8"), ("long", b"a" * 500), ("blanks", b"  \t \n  a ")]:
        keep("byte_pair", "text_" + name, b"\2" + text)


def make_command_line():
    for name, arguments in [
        ("none", []), ("help", ["--help"]), ("short_help", ["-h"]), ("version", ["--version"]), ("epochs", ["--epochs", "3"]),
        ("equals", ["--lr=0.001", "--momentum=0.9"]), ("many", ["--seed", "7", "--threads", "2", "--out", "out/x", "--unfused"]),
        ("choice", ["--preset", "good"]), ("wrong_choice", ["--preset", "bad"]), ("nothing_after", ["--lr"]),
        ("swallowed", ["--lr", "--epochs", "3"]), ("negative", ["--step", "-0.5"]), ("twice", ["--seed", "1", "--seed", "2"]),
        ("unknown", ["--epoch", "3"]), ("word", ["seed"]), ("huge", ["--seed", "99999999999999999999"]), ("nan", ["--lr", "nan"]),
        ("dashes", ["--", "--lr"]), ("flag_value", ["--unfused=false"]), ("empty", ["--out", ""]), ("hex", ["--limit", "0x10"]),
        ("files", ["--save", "run", "--resume=run", "--weights", "w"]), ("control", ["--\x1b[31m", "\x7f"]),
    ]:
        keep("command_line", name, "\n".join(arguments).encode())


make_idx()
make_gzip()
make_safetensors()
make_checkpoint()
make_command_line()
make_text()
make_byte_pair()
