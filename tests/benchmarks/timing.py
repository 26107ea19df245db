"""Times single operations in PyTorch, as times.hpp does with handgrad's."""
import json
import time

import torch

from allocator import keep_freed_memory


class Times:
    def __init__(self, threads, seconds):
        """Each operation is called for about `seconds`."""
        keep_freed_memory()
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        # On one thread the time of the processor, which other programs disturb less.
        self.clock = time.process_time if threads == 1 else time.perf_counter
        self.seconds = seconds
        self.results = []

    def add(self, name, f):
        """Keeps the seconds of the fastest call of f."""
        f()  # for warming up
        fastest, begin = 1e9, self.clock()
        start = begin
        while start - begin < self.seconds:
            f()
            end = self.clock()
            fastest, start = min(fastest, end - start), end
        self.results.append({"name": name, "seconds": fastest})

    def print(self, **more):
        print(json.dumps({"torch": torch.__version__, "times": self.results, **more}))


def optimizer(kind, parameters, **options):
    """The fused optimiser, where this version of PyTorch has one for a CPU."""
    try:
        return kind(parameters, fused=True, **options)
    except (TypeError, RuntimeError):
        return kind(parameters, **options)
