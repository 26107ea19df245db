"""A small MNIST, cut out of the large one."""
import gzip
import struct


def make_digits(mnist, folder, train, test):
    """Makes a folder with the images train[0] to train[1] - 1 and test[0] to test[1] - 1 of those in the folder mnist."""
    folder.mkdir()
    for name, (first, last) in [("train", train), ("t10k", test)]:
        for kind, begin, size in [("images-idx3", 16, 784), ("labels-idx1", 8, 1)]:
            data = gzip.decompress((mnist / f"{name}-{kind}-ubyte.gz").read_bytes())
            data = data[:4] + struct.pack(">I", last - first) + data[8:begin] + data[begin + first * size:begin + last * size]
            (folder / f"{name}-{kind}-ubyte").write_bytes(data)
    return folder
