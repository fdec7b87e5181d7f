"""Ends a process and all of its group at a named moment; Python runs this file when it starts.

Tests put this folder on PYTHONPATH. COLLAPSE_CRASH holds the name of an audit event of Python, a
blank, and a pattern. Where the first two arguments of such an event match, everything ends as by
`kill -9`; a file that is just being opened gets the first bytes of something before.
"""

import os
import re
import signal
import sys

EVENT, _, PATTERN = os.environ["COLLAPSE_CRASH"].partition(" ")
crashed = False


def crash(event, arguments):
    global crashed
    if event != EVENT or crashed or not re.search(PATTERN, " ".join(map(str, arguments[:2]))):
        return
    crashed = True
    if event == "open":
        with open(arguments[0], "wb") as file:
            file.write(b"{")
    os.killpg(0, signal.SIGKILL)


sys.addaudithook(crash)
