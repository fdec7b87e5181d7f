"""A mini book in a folder of its own: two chapters, a ledger, a copy of the publishing code."""

import shutil
from pathlib import Path

import pytest

from collapse.publishing.cli import main
from collapse.publishing.project import Project

ROOT = Path(__file__).resolve().parents[2]


class MiniBook:
    """A copy of the mini book, and how to change it and run the command on it."""

    def __init__(self, root, monkeypatch, capfd):
        self.root, self.project = root, Project(root)
        self._monkeypatch, self._capfd = monkeypatch, capfd

    def collapse(self, *arguments):
        """Run the command in the mini book; returns exit code, standard output and error."""
        self._monkeypatch.chdir(self.root)
        self._capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        return code, *self._capfd.readouterr()

    def edit(self, name, old, new):
        """Replace text that must be there in a file."""
        path = self.root / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def results(self):
        """The results in the cache, by inode: a chapter that runs again gets another one."""
        return {path.name: path.stat().st_ino for path in (self.root / "_build/cache").iterdir()}

    def html(self, page):
        return (self.root / "_build/html" / f"{page}.html").read_text()


def new_mini_book(root):
    """Copy the sources of the mini book to `root`."""
    shutil.copytree(ROOT / "tests/fixtures/minibook", root)
    shutil.copytree(ROOT / "collapse/publishing", root / "collapse/publishing",
                    ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "collapse/__main__.py", root / "collapse")
    shutil.copytree(ROOT / "book/_static", root / "book/_static")
    for name in ("_config.yml", "CITATION.cff"):
        shutil.copy(ROOT / name, root)
    return root


@pytest.fixture(scope="session")
def built_once(tmp_path_factory):
    """A mini book that was built; read only."""
    from collapse.publishing.build import build

    root = new_mini_book(tmp_path_factory.mktemp("built") / "a book {0}")  # an awkward path
    build(Project(root))
    return root


@pytest.fixture
def fresh(tmp_path, monkeypatch, capfd):
    """A mini book that was never built."""
    return MiniBook(new_mini_book(tmp_path / "book"), monkeypatch, capfd)


@pytest.fixture
def mini(built_once, tmp_path, monkeypatch, capfd):
    """A built mini book of one's own, without its pages."""
    root = tmp_path / "book"
    shutil.copytree(built_once, root, ignore=shutil.ignore_patterns("stage", "html", "html.digest"))
    return MiniBook(root, monkeypatch, capfd)
