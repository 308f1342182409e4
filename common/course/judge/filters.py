"""Filters of system calls (Linux's seccomp), assembled by hand: no library for it is kept up well.

A filter is a program for the kernel's small packet-filter machine (seccomp(2), bpf(4)). Ours are
lists of forbidden calls: a forbidden call fails with ``EPERM``, as if the right to it were missing,
so that an honest program that tries gets an ordinary exception. On a processor whose call numbers
we do not know there is no filter, and the other walls stand alone.
"""

import errno
import platform
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

LOAD, JUMP_EQUAL, JUMP_ANY_BIT, AND, RETURN = 0x20, 0x15, 0x45, 0x54, 0x06
"""The instructions used: load a word, compare, test bits, mask, answer."""
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
"""The answers; the last one carries an error number in its low half."""
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16
"""Offsets into what the filter sees of a call."""
OTHER_TABLE = 0x40000000
"""Set in the numbers of a second table (x32) on x86-64; nobody needs it."""

NEW_NAMESPACES = 0x7E020080
"""``CLONE_NEW*``: a process that asks ``clone`` for them wants rights of its own."""
SAME_PROCESS = 0x00010000
"""``CLONE_THREAD``: the new thread belongs to the same process."""
WRITING = 0o1 | 0o2 | 0o100 | 0o1000 | 0o2000
"""``O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND`` of ``open``."""
FAMILIES = (1, 2, 10)
"""The kinds of socket that a program may open: Unix, IPv4, IPv6, all within its own namespace.
Others (a hypervisor's vsock, say) are no part of any namespace."""


@dataclass(frozen=True, slots=True)
class Any:
    """Forbids a call if any of these bits are set in an argument."""

    argument: int
    bits: int


@dataclass(frozen=True, slots=True)
class Without:
    """Forbids a call unless one of these bits is set in an argument."""

    argument: int
    bits: int


@dataclass(frozen=True, slots=True)
class Unless:
    """Forbids a call unless an argument (its low 32 bits) has one of these values."""

    argument: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Only:
    """Forbids a call only if an argument (its low 32 bits) has one of these values."""

    argument: int
    values: tuple[int, ...]


When = Any | Without | Unless | Only | None
"""Under which condition a call is forbidden; None: always."""

Rule = tuple[str, When]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


PRIVILEGED = _words("""
    ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp
    mount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick
    mount_setattr unshare setns open_by_handle_at name_to_handle_at
    keyctl add_key request_key bpf userfaultfd perf_event_open memfd_secret
    io_uring_setup io_uring_enter io_uring_register
    kexec_load kexec_file_load init_module finit_module delete_module
    swapon swapoff reboot personality acct quotactl syslog vhangup sethostname setdomainname
    clock_settime settimeofday adjtimex clock_adjtime modify_ldt ioperm iopl
    mbind move_pages migrate_pages set_mempolicy fanotify_init
""")
"""What no submission has a use for, and what holes in kernels were often reached through."""

SANDBOX: tuple[Rule, ...] = (
    *((name, None) for name in PRIVILEGED),
    ("clone", Any(0, NEW_NAMESPACES)),
    ("socket", Unless(0, FAMILIES)),
)
"""The rules for whatever runs in a sandbox."""

CHANNELS = _words("""
    socket socketpair connect bind listen
    rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal pidfd_open tkill
    fork vfork execve execveat
    creat mkdir mkdirat rename renameat renameat2 link linkat symlink symlinkat unlink unlinkat
    rmdir mknod mknodat truncate chmod fchmod fchmodat chown fchown fchownat lchown
    utime utimes utimensat futimesat setxattr lsetxattr fsetxattr
    flock inotify_init inotify_init1 inotify_add_watch
    shmget shmat shmctl msgget msgsnd msgrcv semget semop semtimedop mq_open
    prctl setpriority getpriority ioprio_set sched_setaffinity sched_setscheduler sched_setattr
    sched_getaffinity sched_getattr prlimit64 setrlimit setsid setpgid getsid getpgid
    process_madvise process_mrelease capset seccomp landlock_create_ruleset
    sysinfo mincore preadv2 fadvise64 readahead get_robust_list
    sched_getparam sched_getscheduler sched_rr_get_interval ioprio_get
""")
"""Ways by which one process of a sandbox could tell another one something."""

CLOCKS = ("clock_gettime", "clock_getres", "clock_nanosleep", "timer_create")
OTHERS_CLOCK = 0x80000000
"""Set in the number of a clock that shows how much processor time *another* process has used."""

CHANCE = _words("getrandom")
"""Random numbers that nobody can repeat."""

EXECUTABLE = 0x4
"""``PROT_EXEC``: memory for machine code of one's own, which might ask the processor for chance."""

LOCKS = (5, 6, 7, 36, 37, 38, 1024)
"""``F_GETLK``, ``F_SETLK``, ``F_SETLKW``, the same for open files, ``F_SETLEASE`` of ``fcntl``."""


OWNERS = (8, 10, 15)
"""``F_SETOWN``, ``F_SETSIG``, ``F_SETOWN_EX`` of ``fcntl``: which process the kernel signals when
data come, and how. Another process, by SIGSTOP, would do."""
OWNER_REQUESTS = (0x8901, 0x8902)
"""``FIOSETOWN`` and ``SIOCSPGRP`` of ``ioctl``: the same for sockets."""

SIGNALS = _words("""
    tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal pidfd_open setpgid
    setpriority ioprio_set process_madvise process_mrelease
""")
"""Ways by which a process could stop, end or slow down others of its user."""


def quiet(process: int) -> tuple[Rule, ...]:
    """The rules for a program that shares its sandbox with the judge's own processes.

    It may have files, sockets and processes of its own; it can do nothing to those of others: no
    signal, no limit, no other priority.

    Args:
        process: its own number.
    """
    return (
        *((name, None) for name in SIGNALS),
        ("kill", Unless(0, (process,))),
        ("tgkill", Unless(0, (process,))),
        ("fcntl", Only(1, OWNERS)),
        ("ioctl", Only(1, OWNER_REQUESTS)),
        ("prlimit64", Unless(0, (0, process))),
        ("sched_setaffinity", None),
        ("sched_setscheduler", Unless(0, (0, process))),
        ("sched_setattr", Unless(0, (0, process))),
    )


def sealed(process: int) -> tuple[Rule, ...]:
    """The rules for a node that shares its sandbox with others: memory, time and open pipes only,
    and no chance but what the judge gives it.

    Args:
        process: its own number; signals to itself (``abort``) stay possible.
    """
    return (
        *((name, None) for name in CHANNELS),
        *((name, None) for name in CHANCE),
        *((name, Any(2, EXECUTABLE)) for name in ("mmap", "mprotect", "pkey_mprotect")),
        *((name, Any(0, OTHERS_CLOCK)) for name in CLOCKS),
        ("open", Any(1, WRITING)),
        ("openat", Any(2, WRITING)),
        ("openat2", None),
        ("fcntl", Only(1, LOCKS + OWNERS)),
        ("ioctl", Only(1, OWNER_REQUESTS)),
        ("kill", Unless(0, (process,))),
        ("tgkill", Unless(0, (process,))),
        ("clone", Without(0, SAME_PROCESS)),
    )


def assemble(rules: Sequence[Rule]) -> bytes:
    """The filter as the kernel takes it; empty on a processor whose numbers we do not know."""
    machine = MACHINES.get(platform.machine())
    if machine is None:
        return b""
    code, table = machine
    program = [
        _step(LOAD, ARCHITECTURE),
        _step(JUMP_EQUAL, code, 1, 0),
        _step(RETURN, KILL),
        _step(LOAD, NUMBER),
        _step(JUMP_ANY_BIT, OTHER_TABLE, 0, 1),
        _step(RETURN, REFUSE | errno.ENOSYS),
        # glibc falls back to clone, whose flags a filter can see.
        *_when(table["clone3"], [_step(RETURN, REFUSE | errno.ENOSYS)]),
    ]
    for name, when in rules:
        if name in table:  # newer processors never had the older calls
            program += _when(table[name], list(_answer(when)))
    return b"".join([*program, _step(RETURN, ALLOW)])


def _when(number: int, steps: list[bytes]) -> list[bytes]:
    """Take the steps for one call, and have its number loaded again after them."""
    return [_step(JUMP_EQUAL, number, 0, len(steps)), *steps]


def _answer(when: When) -> Iterator[bytes]:
    refuse = _step(RETURN, REFUSE | errno.EPERM)
    allow = _step(RETURN, ALLOW)
    match when:
        case None:
            yield refuse
        case Any(argument, bits):
            yield from (_load(argument), _step(JUMP_ANY_BIT, bits, 0, 1), refuse, allow)
        case Without(argument, bits):
            yield from (_load(argument), _step(JUMP_ANY_BIT, bits, 1, 0), refuse, allow)
        case Unless(argument, values):
            yield _load(argument)
            for value in values:
                yield from (_step(JUMP_EQUAL, value, 0, 1), allow)
            yield refuse
        case Only(argument, values):
            yield _load(argument)
            for value in values:
                yield from (_step(JUMP_EQUAL, value, 0, 1), refuse)
            yield allow


def _load(argument: int) -> bytes:
    return _step(LOAD, ARGUMENTS + 8 * argument)  # little-endian: the low half comes first


def _step(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, operand)


def _numbers(text: str) -> Mapping[str, int]:
    pairs = (pair.split("=") for pair in text.split())
    return {name: int(number) for name, number in pairs}


MACHINES: Mapping[str, tuple[int, Mapping[str, int]]] = {
    "x86_64": (
        0xC000003E,
        _numbers(
            """
            ptrace=101 process_vm_readv=310 process_vm_writev=311 pidfd_getfd=438 kcmp=312
            mount=165 umount2=166 pivot_root=155 chroot=161 move_mount=429 open_tree=428
            fsopen=430 fsconfig=431 fsmount=432 fspick=433 mount_setattr=442 unshare=272 setns=308
            open_by_handle_at=304 name_to_handle_at=303 keyctl=250 add_key=248 request_key=249
            bpf=321 userfaultfd=323 perf_event_open=298 memfd_secret=447 io_uring_setup=425
            io_uring_enter=426 io_uring_register=427 kexec_load=246 kexec_file_load=320
            init_module=175 finit_module=313 delete_module=176 swapon=167 swapoff=168 reboot=169
            personality=135 acct=163 quotactl=179 syslog=103 vhangup=153 sethostname=170
            setdomainname=171 clock_settime=227 settimeofday=164 adjtimex=159 clock_adjtime=305
            modify_ldt=154 ioperm=173 iopl=172 mbind=237 move_pages=279 migrate_pages=256
            set_mempolicy=238 fanotify_init=300 clone=56 clone3=435 socket=41 socketpair=53
            connect=42 bind=49 listen=50 rt_sigqueueinfo=129 rt_tgsigqueueinfo=297
            pidfd_send_signal=424 pidfd_open=434 tkill=200 tgkill=234 kill=62 fork=57 vfork=58
            execve=59 execveat=322 open=2 openat=257 openat2=437 fcntl=72 creat=85 mkdir=83
            mkdirat=258 rename=82 renameat=264 renameat2=316 link=86 linkat=265 symlink=88
            symlinkat=266 unlink=87 unlinkat=263 rmdir=84 mknod=133 mknodat=259 truncate=76
            chmod=90 fchmod=91 fchmodat=268 chown=92 fchown=93 fchownat=260 lchown=94 utime=132
            utimes=235 utimensat=280 futimesat=261 setxattr=188 lsetxattr=189 fsetxattr=190
            flock=73 inotify_init=253 inotify_init1=294 inotify_add_watch=254 shmget=29 shmat=30
            shmctl=31 msgget=68 msgsnd=69 msgrcv=70 semget=64 semop=65 semtimedop=220 mq_open=240
            prctl=157 setpriority=141 getpriority=140 ioprio_set=251 sched_setaffinity=203
            sched_setscheduler=144 sched_setattr=314 sched_getaffinity=204 sched_getattr=315
            prlimit64=302 setrlimit=160 setsid=112 setpgid=109 getsid=124 getpgid=121
            process_madvise=440 process_mrelease=448 capset=126 seccomp=317
            landlock_create_ruleset=444
            sysinfo=99 clock_gettime=228 clock_getres=229 clock_nanosleep=230 timer_create=222
            ioctl=16 preadv2=327 mincore=27 fadvise64=221 readahead=187 get_robust_list=274
            sched_getparam=143 sched_getscheduler=145 sched_rr_get_interval=148 ioprio_get=252
            getrandom=318 mmap=9 mprotect=10 pkey_mprotect=329
            """
        ),
    ),
    "aarch64": (
        0xC00000B7,
        _numbers(
            """
            ptrace=117 process_vm_readv=270 process_vm_writev=271 pidfd_getfd=438 kcmp=272
            mount=40 umount2=39 pivot_root=41 chroot=51 move_mount=429 open_tree=428 fsopen=430
            fsconfig=431 fsmount=432 fspick=433 mount_setattr=442 unshare=97 setns=268 keyctl=219
            add_key=217 request_key=218 bpf=280 userfaultfd=282 perf_event_open=241
            memfd_secret=447 io_uring_setup=425 io_uring_enter=426 io_uring_register=427
            kexec_load=104 kexec_file_load=294 init_module=105 finit_module=273 delete_module=106
            swapon=224 swapoff=225 reboot=142 personality=92 acct=89 quotactl=60 syslog=116
            vhangup=58 sethostname=161 setdomainname=162 clock_settime=112 settimeofday=170
            adjtimex=171 clock_adjtime=266 mbind=235 move_pages=239 migrate_pages=238
            set_mempolicy=237 fanotify_init=262 clone=220 clone3=435 socket=198 socketpair=199
            connect=203 bind=200 listen=201 rt_sigqueueinfo=138 rt_tgsigqueueinfo=240
            pidfd_send_signal=424 pidfd_open=434 tkill=130 tgkill=131 kill=129 execve=221
            execveat=281 openat=56 openat2=437 fcntl=25 mkdirat=34 renameat=38 renameat2=276
            linkat=37 symlinkat=36 unlinkat=35 mknodat=33 truncate=45 fchmod=52 fchmodat=53
            fchown=55 fchownat=54 utimensat=88 setxattr=5 lsetxattr=6 fsetxattr=7 flock=32
            inotify_init1=26 inotify_add_watch=27 shmget=194 shmat=196 shmctl=195 msgget=186
            msgsnd=189 msgrcv=188 semget=190 semop=193 semtimedop=192 mq_open=180 prctl=167
            setpriority=140 getpriority=141 ioprio_set=30 sched_setaffinity=122
            sched_setscheduler=119 sched_setattr=274 sched_getaffinity=123 sched_getattr=275
            prlimit64=261 setrlimit=164 setsid=157 setpgid=154 getsid=156 getpgid=155
            process_madvise=440 process_mrelease=448 capset=91 seccomp=277
            landlock_create_ruleset=444
            sysinfo=179  clock_gettime=113 clock_getres=114 clock_nanosleep=115 timer_create=107
            ioctl=29 preadv2=286 mincore=232 fadvise64=223 readahead=213 get_robust_list=100
            sched_getparam=121 sched_getscheduler=120 sched_rr_get_interval=127 ioprio_get=31
            getrandom=278 mmap=222 mprotect=226 pkey_mprotect=288
            """
        ),
    ),
}
"""Per processor: the kernel's name for its calls, and their numbers (``asm/unistd.h``)."""
