"""A release of the mini book: complete, checked, repeatable, all or nothing."""

import hashlib
import io
import json
import shutil
import zipfile

import pytest
from book.browser import require_chromium

from book import checks
from collapse.publishing import archive
from collapse.publishing.build import PDF_NAME
from publishing.conftest import ROOT
from publishing.processes import run

pytestmark = pytest.mark.browser
FILES = ("CITATION.cff", "LICENSE", "LICENSE-TEXT", "README.md", "SECURITY.md")


@pytest.fixture
def book(mini):
    require_chromium()
    for name in FILES:
        shutil.copy(ROOT / name, mini.root)
    return mini


def release(book, out):
    code, _, error = run(book.root, "release", "--out", out)
    return code, error


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_release_is_complete_and_repeatable(book, tmp_path):
    out = tmp_path / "dist"
    code, error = release(book, out)
    assert code == 0, error
    first = contents(out)
    manifest = json.loads(first["MANIFEST.json"])
    assert set(manifest["files"]) == first.keys() - {"MANIFEST.json"}
    assert {*FILES, "html.zip", "book.pdf", "notebooks.zip", "figures.zip", "ledger.yml",
            "requirements.lock", "results.json"} == set(manifest["files"])
    for name, entry in manifest["files"].items():
        assert entry == {"sha256": hashlib.sha256(first[name]).hexdigest(),
                         "size": len(first[name])}
    for name in ("html.zip", "notebooks.zip", "figures.zip"):
        with zipfile.ZipFile(io.BytesIO(first[name])) as packed:
            assert packed.testzip() is None
            assert packed.namelist()
            packed.extractall(tmp_path / name)
    assert checks.dead_links(checks.Site(tmp_path / "html.zip")) == []
    assert (tmp_path / "html.zip" / PDF_NAME).read_bytes() == first["book.pdf"]
    assert (tmp_path / "html.zip/results.json").read_bytes() == first["results.json"]
    figures = archive.below(tmp_path / "figures.zip")
    assert {path.suffix for path in figures.values()} == {".svg", ".csv"}

    assert release(book, out)[0] == 0  # replaces its own
    assert contents(out) == first
    assert list(tmp_path.glob(".dist*")) == []


def test_no_release_when_the_ledger_falls_short(book, tmp_path):
    book.edit("book/ledger.yml", "value: 0.59049", "value: 0.6")
    code, error = release(book, tmp_path / "dist")
    assert code == 1 and "falls short" in error
    assert not (tmp_path / "dist").exists()


def test_a_folder_with_something_else_is_left_alone(book, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    code, error = release(book, tmp_path)
    assert code == 2 and "holds something else" in error
    assert list(tmp_path.glob("*.txt")) == [tmp_path / "mine.txt"]


def test_a_zip_does_not_depend_on_order_or_time(tmp_path):
    (tmp_path / "a").write_text("a")
    first = archive.zipped({"b": b"b", "a": tmp_path / "a"})
    (tmp_path / "a").touch()
    assert archive.zipped({"a": tmp_path / "a", "b": b"b"}) == first
