"""What a stranger's program may use."""

from collections.abc import Mapping
from dataclasses import dataclass

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What a sandboxed program may use; beyond it, it fails or ends, and nobody else suffers.

    Args:
        processor_seconds: processor time of each of its processes.
        wall_seconds: time from its start until everything in the sandbox is killed.
        memory_bytes: address space of each of its processes.
        all_memory_bytes: memory of all its processes together, where the kernel's control groups
            can be used (see :mod:`common.course.judge.groups`).
        processes: processes and threads, all together.
        open_files: open files of each process.
        output_bytes: what it may write to standard output, and as much again to standard error.
        file_bytes: the largest file, and all that its private ``/tmp`` holds.
    """

    processor_seconds: int = 60
    wall_seconds: float = 120
    memory_bytes: int = 512 * MEBIBYTE
    all_memory_bytes: int = 2048 * MEBIBYTE
    processes: int = 16
    open_files: int = 64
    output_bytes: int = 64 * MEBIBYTE
    file_bytes: int = 16 * MEBIBYTE

    def resources(self) -> Mapping[str, int]:
        """The kernel's resource limits, by the names of setrlimit(2)."""
        return {
            "AS": self.memory_bytes,
            "CORE": 0,
            "CPU": self.processor_seconds,
            "FSIZE": self.file_bytes,
            "MEMLOCK": 0,
            "MSGQUEUE": 0,
            "NOFILE": self.open_files,
            "NPROC": self.processes,
        }
