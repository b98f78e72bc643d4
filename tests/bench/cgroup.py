"""A control group for a program that is measured: a memory limit, and a rate at which it may read a device.

Version 1 (memory and blkio below /sys/fs/cgroup) where it is mounted, else version 2; facts in the kernel's
Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst. Steps that the system does not permit are left out, and .why gives the reason.
"""
import itertools
import os

ROOT = "/sys/fs/cgroup"
UNITS = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
NUMBERS = itertools.count()


def size_of(text):
    """Bytes of "2.1GB", "400MB", "0"."""
    for unit, factor in UNITS.items():
        if text.endswith(unit):
            return int(float(text[: -len(unit)]) * factor)
    return int(text)


def disk_of(path):
    """MAJOR:MINOR of the whole device that holds @path: rates are not taken for partitions."""
    device = os.stat(path).st_dev
    sys_path = os.path.realpath(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    if os.path.exists(os.path.join(sys_path, "partition")):
        sys_path = os.path.dirname(sys_path)
    with open(os.path.join(sys_path, "dev"), encoding="ascii") as file:
        return file.read().strip()


class Cgroup:
    """@memory: bytes; None: counted but not limited. @storage: bytes/s that may be read from the device that holds @folder; 0: no limit."""

    def __init__(self, memory=None, storage=0, folder=None):
        self.v1 = os.path.isdir(os.path.join(ROOT, "memory"))
        self.name = f"pipeload-{os.getpid()}-{next(NUMBERS)}"
        self.made = []
        self.why = []
        self.memory = self.attempt("memory", lambda path: self.start_memory(path, memory))
        if storage:
            self.attempt("blkio" if self.v1 else "io", lambda path: self.start_storage(path, storage, folder))

    def attempt(self, controller, start):
        """The folder in which @start set up the controller, or None."""
        path = os.path.join(ROOT, controller, self.name) if self.v1 else os.path.join(ROOT, self.name)
        try:
            if not self.v1:
                write(os.path.join(ROOT, "cgroup.subtree_control"), f"+{controller}")
            if path not in self.made:
                os.mkdir(path)
                self.made.append(path)
            start(path)
            return path
        except OSError as error:
            self.why.append(f"no {controller} cgroup: {error}")
            return None

    def start_memory(self, path, limit):
        # Swap would only hide what is too much.
        for name in ("memory.swappiness", "memory.swap.max"):
            if os.path.exists(os.path.join(path, name)):
                write(os.path.join(path, name), 0)
        if limit is not None:
            write(os.path.join(path, "memory.limit_in_bytes" if self.v1 else "memory.max"), limit)

    def start_storage(self, path, rate, folder):
        if self.v1:
            write(os.path.join(path, "blkio.throttle.read_bps_device"), f"{disk_of(folder)} {rate}")
        else:
            write(os.path.join(path, "io.max"), f"{disk_of(folder)} rbps={rate}")

    def enter(self):
        """In the child, before it becomes the program."""
        for path in self.made:
            write(os.path.join(path, "cgroup.procs"), os.getpid())

    def limit(self, memory):
        """Changes the limit; an OSError if more is in use than can be taken back (version 2 kills instead)."""
        if self.memory:
            write(os.path.join(self.memory, "memory.limit_in_bytes" if self.v1 else "memory.max"), memory)

    def usage(self):
        """Bytes at the peak, how often the limit was hit, and how many were killed for it; all 0 where nothing counts."""
        if not self.memory:
            return {"peak": 0, "failcnt": 0, "oom_kill": 0}
        if self.v1:
            return {"peak": self.number("memory.max_usage_in_bytes"), "failcnt": self.number("memory.failcnt"),
                    "oom_kill": self.number("memory.oom_control", "oom_kill")}
        return {"peak": self.number("memory.peak"), "failcnt": self.number("memory.events", "max"),
                "oom_kill": self.number("memory.events", "oom_kill")}

    def number(self, name, key=None):
        """A file's number, or that behind @key in it; 0 where this kernel has none."""
        try:
            with open(os.path.join(self.memory, name), encoding="ascii") as file:
                words = file.read().split()
        except FileNotFoundError:
            return 0
        if key is None:
            return int(words[0])
        return int(words[words.index(key) + 1]) if key in words else 0

    def close(self):
        """Its processes have ended."""
        for path in self.made:
            os.rmdir(path)
        self.made = []


def write(path, value):
    with open(path, "w", encoding="ascii") as file:
        file.write(str(value))
