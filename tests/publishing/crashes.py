"""Crashes inside this process: from a chosen moment on, no operation changes a file any more."""

import os
import sys
import threading
from contextlib import contextmanager

_CHANGES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.utime"}


class Crash(BaseException):
    """The process is dead. What cleans up after it comes to nothing, and raises this again."""


class _Watch:
    """Counts the moments of one thread at which files change, and ends it at a chosen one.

    It listens to the audit events of Python, which come before an operation. A file that is opened
    for writing has two moments: it is as before, or it has its first byte and no more.
    """

    thread = None

    def begin(self, last):
        self.left, self.place, self.thread = last, None, threading.get_ident()

    def __call__(self, event, arguments):
        if self.thread != threading.get_ident() or not _changes(event, arguments):
            return
        if self.place is None:
            moments = 2 if event == "open" else 1
            if self.left >= moments:
                self.left -= moments
                return
            self.place = " ".join(map(str, (event, *arguments[:2])))
            if self.left == 1:
                self.thread = None
                with open(arguments[0], "wb") as file:
                    file.write(b"{")
                self.thread = threading.get_ident()
        raise Crash


def _changes(event, arguments):
    if event == "open":
        path, _, flags = arguments
        return (flags & (os.O_WRONLY | os.O_RDWR) and isinstance(path, str)
                and "__pycache__" not in path and path != os.devnull)
    return event in _CHANGES


_watch = _Watch()


@contextmanager
def crash_after(number):
    """Let a block pass so many moments; yields a list for where it ended, if it did."""
    if "left" not in vars(_watch):  # once for all: Python does not take a hook back
        sys.addaudithook(_watch)
    places = []
    _watch.begin(number)
    try:
        yield places
    except Crash:
        places.append(_watch.place)
    finally:
        _watch.thread = None
