"""Faults of what programs read: the folder of the data sets and the files in it."""
import gzip
import os
import re

from harness import fault

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def data_folder(name, prepare):
    @fault(f"`HANDGRAD_DATA` is {name}",
           "status 1, one line with the folder or file; no other data set in its place")
    def place(setting):
        path = setting.folder / "data"
        prepare(path)
        path = "/dev/null" if name == "`/dev/null`" else path
        outcome = setting.run(setting.chapter("01_mnist_data"), "--out", "out", drop_privileges=True,
                              env=setting.environment(HANDGRAD_DATA=path))
        if (setting.folder / "data").is_dir():
            (setting.folder / "data").chmod(0o755)
        return re.sub(r"of the \d+ gzipped|at most \d{9}", lambda m: re.sub(r"\d+", "N", m[0]), outcome.refused())


def folder_with(images, labels=b"\0\0\x08\x01\0\0\0\x02\x05\x00"):
    """Makes a folder with a file of labels and one of images, which may be a function that makes it."""
    def prepare(path):
        path.mkdir()
        (path / LABELS).write_bytes(labels)
        if callable(images):
            images(path / IMAGES)
        else:
            (path / IMAGES).write_bytes(images)
    return prepare


def pictures(count, height=28):
    return b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in (count, height, 28)) + bytes(2 * 28 * 28)


def closed(path):
    path.mkdir()
    path.chmod(0)


data_folder("a FIFO", os.mkfifo)
data_folder("`/dev/null`", lambda path: None)
data_folder("an empty file", lambda path: path.write_bytes(b""))
data_folder("not there", lambda path: None)
data_folder("a folder without permission", closed)
data_folder("an empty folder", lambda path: path.mkdir())
data_folder("a folder where the images are a FIFO", folder_with(os.mkfifo))
data_folder("a folder where the images are a folder", folder_with(os.mkdir))
data_folder("a folder where the images are an empty file", folder_with(b""))
data_folder("a folder where the images end too early", folder_with(pictures(2)[:1000]))
data_folder("a folder where gzipped images end too early", folder_with(gzip.compress(pictures(2), mtime=0)[:-5]))
data_folder("a folder where the images promise 2^40 pixels", folder_with(
    b"\0\0\x08\x03" + (1 << 20).to_bytes(4, "big") + (1 << 10).to_bytes(4, "big") * 2))
data_folder("a folder where a gzip file of 1 MB promises 2^30 labels", folder_with(
    pictures(2), gzip.compress(b"\0\0\x08\x01\x40\0\0\0" + bytes(1_100_000), 0, mtime=0)))
data_folder("a folder with more images than labels", folder_with(
    b"\0\0\x08\x03\0\0\0\x03\0\0\0\x1c\0\0\0\x1c" + bytes(3 * 28 * 28)))
data_folder("a folder with a label 10", folder_with(pictures(2), b"\0\0\x08\x01\0\0\0\x02\x05\x0a"))
