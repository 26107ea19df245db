"""For the rivals' benefit: see keep_freed_memory."""
import ctypes


def keep_freed_memory():
    """Lets the C library keep the memory of freed arrays. By default it may hand arrays of this size back to the
    system and fetch them again at every iteration, which can make this program twice as slow."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        trim_threshold, top_pad, mmap_threshold = -1, -2, -3
        libc.mallopt(trim_threshold, 1 << 30)
        libc.mallopt(top_pad, 1 << 26)
        libc.mallopt(mmap_threshold, 1 << 30)
