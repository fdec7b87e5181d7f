"""A fresh clone under every version of Python that is here; for `make verify`, forty minutes.

The book is built with the network switched off, after the installation, where Linux allows that.
What is not committed is not in the clone.
"""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_packaging import PYTHONS, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.fresh_environment]
HERE = ".".join(platform.python_version_tuple()[:2])
# In a network of its own, in which there is only the machine itself.
ALONE = ["unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
REACH = "import socket; socket.create_connection(('192.0.2.1', 80), 5)"  # reserved for examples


def interpreter(version):
    """A Python of this version: this one, one on PATH, or one of pyenv; None where none works."""
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for path in (sys.executable if version == HERE else None,
                 shutil.which(f"python{version}"), *kept):
        if path and said([path, "-c", "import venv, sys; print(*sys.version_info[:2], sep='.')"]) \
                == version:
            return path
    return None


def said(command):
    """What a command prints, or None when it fails or is not there."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def run(*command, cwd):
    ours = ("PYTEST_", "PYTHON", "VIRTUAL_ENV")  # of the run of tests that we are in
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, f"{command}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}"


def without_network():
    """What to write before a command to take the network from it, or nothing."""
    if said([*ALONE, "true"]) is None:
        return []
    done = subprocess.run([*ALONE, sys.executable, "-c", REACH], capture_output=True, text=True)
    assert "unreachable" in done.stderr
    return ALONE


@pytest.mark.parametrize("version", PYTHONS)
def test_a_fresh_clone(tmp_path, version):
    python = interpreter(version)
    if python is None:
        pytest.skip(f"there is no Python {version} here")
    clone = tmp_path / "clone"
    run("git", "clone", "--quiet", ROOT, clone, cwd=tmp_path)
    if (beside := ROOT.parent / "shared").is_dir():
        (tmp_path / "shared").symlink_to(beside)
    run("make", f"PYTHON={python}", ".venv/ready", cwd=clone)
    alone = without_network()
    run(*alone, "make", "book", cwd=clone)
    if version != HERE:  # here `make test` says the same
        run("make", "test", cwd=clone)
    if not alone:
        pytest.skip("it passed, but with the network on, which cannot be switched off here")
