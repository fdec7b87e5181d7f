"""Crashes inside this process: from a chosen operation on files on, nothing more is done to any."""

import os
import sys
import threading
from contextlib import contextmanager

_CHANGES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.utime"}


class Crash(BaseException):
    """The process is dead. Blocks that clean up come to nothing: their operations raise it, too."""


class _Watch:
    """Counts the operations of one thread that change files, and ends them at a chosen one.

    It listens to the audit events of Python. These come before the operation, so a crash is before
    it; a file that is just being opened for writing is left with its first byte.
    """

    def __init__(self):
        self.thread = None
        self.installed = False

    def __call__(self, event, arguments):
        if self.thread != threading.get_ident() or not _changes(event, arguments):
            return
        self.number += 1
        if self.number == self.last + 1:
            self.place = " ".join(map(str, (event, *arguments[:2])))
            if event == "open":
                self.thread = None
                with open(arguments[0], "wb") as file:
                    file.write(b"{")
                self.thread = threading.get_ident()
        if self.number > self.last:
            raise Crash


def _changes(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        return (flags & (os.O_WRONLY | os.O_RDWR) and isinstance(path, str)
                and "__pycache__" not in path and path != os.devnull)
    return event in _CHANGES


_watch = _Watch()


@contextmanager
def crash_after(number):
    """Let a block do so many operations on files; yields a list for where it ended, if it did."""
    if not _watch.installed:  # for good: Python does not take a hook back
        sys.addaudithook(_watch)
        _watch.installed = True
    places = []
    _watch.number, _watch.last, _watch.thread = 0, number, threading.get_ident()
    try:
        yield places
    except Crash:
        places.append(_watch.place)
    finally:
        _watch.thread = None
