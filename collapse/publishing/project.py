"""The project on disk: where things are, which pages there are, which of them are chapters."""

import errno
import fcntl
import os
import re
import shutil
import sys
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import yaml

DISTRIBUTION = "model-collapse-companion"
_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_TITLE = re.compile(r"^# +(.+?)\s*$", re.MULTILINE)
_LABEL = re.compile(r"^\(([A-Za-z][\w.-]*)\)=\n+# ", re.MULTILINE)


class UsageError(Exception):
    """Something that the user can put right; shown as one line, exit code 2."""


class BuildError(Exception):
    """The book is not right; shown as it is, exit code 1."""


_WAYS_OUT = {
    "make room": {errno.ENOSPC, errno.EDQUOT, errno.EFBIG},
    "change its permissions or choose another folder": {errno.EACCES, errno.EPERM, errno.EROFS},
    "move away what is in its place": {errno.EEXIST, errno.ENOTDIR, errno.EISDIR},
}


def explain(error):
    """An OSError in one line: which file, what is wrong with it, what to do."""
    file = error.filename2 or error.filename
    what = f"{file}: {error.strerror}" if file else error.strerror or str(error)
    ways_out = [f"; {way}, then run the command again"
                for way, numbers in _WAYS_OUT.items() if error.errno in numbers]
    return "".join([what, *ways_out])


def read_yaml(path):
    """What a YAML file holds; raises BuildError naming the file when it is not valid."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise BuildError(f"{path.name} is not valid YAML: {error}") from None


@dataclass(frozen=True)
class Page:
    """One entry of the table of contents, such as `book/rates/gaussian`."""

    name: str
    path: Path

    @cached_property
    def text(self):
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def front_matter(self):
        found = _FRONT_MATTER.match(self.text)
        try:
            return (yaml.safe_load(found[1]) or {}) if found else {}
        except yaml.YAMLError as error:
            raise BuildError(f"{self.name}: the header is not valid YAML: {error}") from None

    @property
    def is_chapter(self):
        """Whether the page is a notebook, to be executed."""
        return "kernelspec" in self.front_matter or "jupytext" in self.front_matter

    @property
    def title(self):
        found = _TITLE.search(_FRONT_MATTER.sub("", self.text))
        return found[1] if found else self.name

    @property
    def label(self):
        """The label above the title, which is permanent, or None."""
        found = _LABEL.search(self.text)
        return found[1] if found else None

    @property
    def short(self):
        """The name that readers use: `rates/gaussian`."""
        return self.name.removeprefix("book/")

    @property
    def slug(self):
        """The name as one word for file names: `rates.gaussian`."""
        return self.short.replace("/", ".")


class Project:
    """The folder with `_toc.yml` and `book/`, and everything that follows from it."""

    def __init__(self, root):
        self.root = Path(root).resolve()
        self.book = self.root / "book"
        self.explorers = self.book / "explorers"
        self.build = self.root / "_build"
        self.cache = self.build / "cache"
        self.stage = self.build / "stage"
        self.html = self.build / "html"
        self.pdf = self.build / "book.pdf"
        self.epub = self.build / "book.epub"

    @cached_property
    def toc(self):
        """The table of contents as its file has it."""
        return read_yaml(self.root / "_toc.yml")

    @cached_property
    def config(self):
        """The settings of Jupyter Book as their file has them."""
        return read_yaml(self.root / "_config.yml")

    @cached_property
    def pages(self):
        """Every page of the table of contents, in its order."""
        entries = list(_toc_entries(self.toc))
        if not entries or not all(isinstance(entry, str) for entry in entries):
            raise BuildError("_toc.yml must name the pages of the book under root: and file:")
        pages = []
        for entry in entries:
            path = self.root / (entry if entry.endswith(".md") else f"{entry}.md")
            if not path.is_file():
                raise BuildError(f"_toc.yml names {entry}, but there is no file {entry}.md")
            pages.append(Page(entry.removesuffix(".md"), path))
        return pages

    @cached_property
    def parts(self):
        """The parts of the table of contents in order: pairs of caption and list of pages."""
        pages = {page.name: page for page in self.pages}
        parts = self.toc.get("parts", []) if isinstance(self.toc, dict) else []
        return [(part.get("caption", ""),
                 [pages[entry.removesuffix(".md")] for entry in _toc_entries(part)])
                for part in parts]

    @property
    def chapters(self):
        return [page for page in self.pages if page.is_chapter]

    def chapter(self, name):
        """The chapter that a reader calls `gaussian`, `rates/gaussian` or `book/rates/gaussian.md`.

        Raises UsageError when there is none, or more than one.
        """
        wanted = "/" + name.removeprefix("./").removesuffix(".md").strip("/")
        found = [page for page in self.chapters if f"/{page.name}".endswith(wanted)]
        if len(found) != 1:
            known = ", ".join(page.short for page in found or self.chapters)
            what = "names several chapters" if found else "is not a chapter"
            raise UsageError(f"CHAPTER {name!r} {what}; choose one of: {known}")
        return found[0]

    @contextmanager
    def locked(self):
        """Keep other builds of this project out; the lock ends with the process, however it ends.

        A worker that outlives a killed build does not hold it: file locks are not inherited. The
        renderer does, because it goes on writing (`render`).
        """
        self.cache.mkdir(parents=True, exist_ok=True)
        with open(self.build / "lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("another build is running here; waiting for it", file=sys.stderr)
                fcntl.flock(lock, fcntl.LOCK_EX)
            self.lock = lock
            yield


@contextmanager
def in_one_step(out):
    """A path to make a folder at; when the block ends without error, the folder moves to `out`.

    Whatever was at `out` goes. Until then nothing there changes, and a failure leaves no trace.
    What a kill leaves, hidden beside `out`, the next call for the same `out` puts right.

    Raises UsageError while another process makes the same folder.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.collapse-part")
    part.mkdir(exist_ok=True)
    earlier = part / "earlier"
    with open(part / "lock", "w") as lock:
        if not _taken(lock):
            raise UsageError(f"{out} is just being made by another process; wait until it is "
                             "done, or choose another folder")
        try:
            recover(out, earlier)
            for left in set(part.iterdir()) - {part / "lock"}:
                remove(left)
            yield part / "result"
            swap(part / "result", out, earlier)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _taken(lock):
    """Take the lock of an open file; False if another process has it, or has removed the file."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(lock.fileno()), os.stat(lock.name))
    except (BlockingIOError, FileNotFoundError):
        return False


def swap(new, place, aside):
    """Move the folder `new` to `place`; what was there waits at `aside` until it has arrived."""
    recover(place, aside)
    try:
        if place.exists():
            place.replace(aside)
        new.replace(place)
    finally:
        recover(place, aside)


def recover(place, aside):
    """Put right what an end amid `swap` has left: nothing is at `aside`, something at `place`."""
    if aside.exists() and not place.exists():
        aside.replace(place)
    remove(aside)


def remove(path):
    """Remove a file or a folder, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def find_project(start=None):
    """The project around folder `start` (the current one by default), else the installed one.

    Raises UsageError when neither exists.
    """
    start = Path(start or Path.cwd()).resolve()
    installed = Path(__file__).resolve().parents[2]
    for folder in [start, *start.parents, installed]:
        if (folder / "_toc.yml").is_file() and (folder / "book").is_dir():
            return Project(folder)
    raise UsageError("no book here: run the command in the folder with _toc.yml and book/")


def distribution_version():
    """The version of this package; read from its source where it is not installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        source = Path(__file__).resolve().parents[2] / "pyproject.toml"
        return tomllib.loads(source.read_text(encoding="utf-8"))["project"]["version"]


def _toc_entries(node):
    """The values of `root` and `file`, depth first, in the order of the table of contents."""
    if isinstance(node, list):
        for item in node:
            yield from _toc_entries(item)
    elif isinstance(node, dict):
        for key in ("root", "file"):
            if key in node:
                yield node[key]
        for value in node.values():
            if isinstance(value, (list, dict)):
                yield from _toc_entries(value)
