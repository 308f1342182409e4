"""What the programs of the tests of sandboxes begin with, and may use."""

from common.course.judge.sandbox import Limits

MEBIBYTE = 1 << 20
SMALL = Limits(
    processor_seconds=5,
    wall_seconds=20,
    memory_bytes=256 * MEBIBYTE,
    processes=8,
    open_files=32,
    output_bytes=MEBIBYTE,
    file_bytes=2 * MEBIBYTE,
)
TRY = """
import ctypes, errno, json, os, socket, sys, threading
def attempt(what, *args):
    try:
        return repr(what(*args))
    except BaseException as error:
        return type(error).__name__
def call(number, *args):
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(number, *args)
    return errno.errorcode[ctypes.get_errno()] if result == -1 else result
"""
"""What each program below begins with."""
