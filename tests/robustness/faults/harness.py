"""What the faults share: the list of them, and how a program is run and its end described."""
import ctypes
import dataclasses
import os
import pathlib
import re
import resource
import signal
import subprocess

TIMEOUT = 180  # seconds: a program that needs longer hangs
faults = []


@dataclasses.dataclass
class Fault:
    name: str
    expected: str
    run: object
    memory: bool  # limits the address space, which sanitizers need much of


def fault(name, expected, memory=False):
    """Registers the function below as a fault. It returns what happened, in the words of the table."""
    def register(function):
        faults.append(Fault(name, expected, function, memory))
        return function
    return register


class Setting:
    """Where the programs are, and a folder for one fault."""

    def __init__(self, arguments):
        self.writer, self.disk, self.data, self.chapters = (
            path.resolve() for path in (arguments.writer, arguments.disk, arguments.data, arguments.chapters))
        self.folder = None

    def at(self, folder):
        self.folder = folder
        return self

    def chapter(self, name):
        return self.chapters / name / name

    def environment(self, **changes):
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "OMP_", "OPENBLAS_"))}
        environment["HANDGRAD_DATA"] = str(self.data)
        options = environment.get("ASAN_OPTIONS", "")
        environment["ASAN_OPTIONS"] = options + ":verify_asan_link_order=0:detect_leaks=0"
        environment.update({name: str(value) for name, value in changes.items()})
        return environment

    def start(self, program, *arguments, env=None, drop_privileges=False, limit=None, file_limit=None,
              **options):
        def prepare():
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores these two
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            if drop_privileges:
                without_privileges()
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            if file_limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
        options.setdefault("stdout", subprocess.PIPE)
        return subprocess.Popen([str(program), *map(str, arguments)], env=env or self.environment(), cwd=self.folder,
                                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=prepare, text=True, **options)

    def run(self, program, *arguments, timeout=TIMEOUT, **options):
        process = self.start(program, *arguments, **options)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        return Outcome(process.returncode, out or "", err, self.folder)


def without_privileges():
    """Permissions hold for root as well, once root may not override them (capabilities 1 and 2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0:
        for capability in (1, 2):
            if libc.prctl(24, capability, 0, 0, 0) != 0:  # PR_CAPBSET_DROP
                raise OSError(ctypes.get_errno(), "prctl")


class Outcome:
    def __init__(self, status, out, err, folder):
        self.status, self.out = status, out
        self.err = err.replace(str(folder) + "/", "").replace(str(folder), ".")

    def __str__(self):
        """The status, and the message if there is one."""
        if self.status < 0:
            ending = f"ended by {signal.Signals(-self.status).name}"
        else:
            ending = f"status {self.status}"
        assert self.err.count("\n") <= 1, f"{ending} and more than one line: {self.err!r}"
        message = self.err.strip().replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")  # a straight one would end the code
        return ending + (f": `{message}`" if message else "")

    def refused(self, status=1):
        """The same, for a program that must end with one line and this status."""
        assert self.status == status, f"status {self.status}, expected {status}; it says {self.err!r}"
        assert re.fullmatch(r"[0-9a-z_]+: [^\n]+\n", self.err), f"no line with the program's name: {self.err!r}"
        return str(self)

    def well(self):
        """The same, for a program that must end well."""
        assert self.status == 0, f"status {self.status}, expected 0; it says {self.err!r}"
        return str(self)


def contents(folder):
    """All files below a folder with what is in them."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(pathlib.Path(folder).rglob("*")) if p.is_file()}


def leftovers(folder):
    return sorted(p.name for p in pathlib.Path(folder).rglob(".handgrad*"))


def counted(outcomes):
    """"a" if all of them are the same, otherwise every one once."""
    return "; ".join(sorted(set(outcomes)))
