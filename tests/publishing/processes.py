"""The command in processes of its own, and what is left of them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from publishing.conftest import ROOT

CRASH = Path(__file__).parent / "crash"


def start(root, *arguments, crash=None, before=(), **options):
    """Start the command in the folder `root`, as the leader of a group of processes.

    `crash` names the moment at which all of the group ends, see crash/sitecustomize.py; `before`
    is a command that starts the command.
    """
    path, environment = [str(ROOT)], dict(os.environ)
    if crash is not None:
        path.append(str(CRASH))
        environment["COLLAPSE_CRASH"] = crash
    environment["PYTHONPATH"] = os.pathsep.join(path)
    command = [*before, sys.executable, "-P", "-m", "collapse", *map(str, arguments)]
    return subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, start_new_session=True,
                            preexec_fn=_hear, **options)


def _hear():
    """What runs in the background ignores Ctrl-C, and hands that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finish(process):
    """Wait for a command; returns its exit code, standard output and error."""
    out, error = process.communicate(timeout=600)
    return process.returncode, out, error


def run(root, *arguments):
    """The command in the folder `root`, in a process of its own, to its end; returns as `finish`.

    Commands that start a browser need one: the tests' browser is in this process.
    """
    return finish(start(root, *arguments))


def wait_for(condition, seconds=300):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def inhabitants(folder):
    """Processes that work in a folder, but for this one and the tracker of its multiprocessing."""
    return [process for process in psutil.process_iter(["cwd", "cmdline"])
            if (process.info["cwd"] or "").startswith(str(folder)) and process.pid != os.getpid()
            and "multiprocessing.resource_tracker" not in " ".join(process.info["cmdline"] or [])]


def wait_until_empty(folder):
    """Wait until no process works in a folder; a kernel looks every second whether it is alone."""
    wait_for(lambda: not inhabitants(folder))
