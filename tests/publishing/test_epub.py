"""The EPUB of the mini book: well-formed, complete, with formulas that readers can show."""

import io
import posixpath
import shutil
import zipfile
from xml.etree import ElementTree

import pytest
from book.browser import require_chromium

from collapse.publishing import epub, pdf
from publishing.processes import run

pytestmark = pytest.mark.browser
XHTML = "{http://www.w3.org/1999/xhtml}"
OPF = "{http://www.idpf.org/2007/opf}"
MATHML = "{http://www.w3.org/1998/Math/MathML}"


@pytest.fixture(scope="module")
def content(built_once, tmp_path_factory):
    """The bytes of the EPUB of a mini book."""
    require_chromium()
    root = tmp_path_factory.mktemp("epub") / "book"
    shutil.copytree(built_once, root)
    code, out, error = run(root, "epub")
    assert (code, out) == (0, f"{root / '_build/book.epub'}\n"), error
    first = (root / "_build/book.epub").read_bytes()
    assert run(root, "epub")[0] == 0
    assert (root / "_build/book.epub").read_bytes() == first
    return first


def opened(content):
    """The files of an EPUB: name -> bytes."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def faults(content):
    """What a reader of electronic books would stumble over: a list of lines."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entry = archive.infolist()[0]
        found = [] if (entry.filename, entry.compress_type, archive.read(entry)) == (
            "mimetype", zipfile.ZIP_STORED, b"application/epub+zip") else ["mimetype is not first"]
    files = opened(content)
    trees = {}
    for name, text in files.items():
        if name.endswith((".xhtml", ".opf", ".xml", ".svg")):
            try:
                trees[name] = ElementTree.fromstring(text)
            except ElementTree.ParseError as error:
                return [*found, f"{name}: {error}"]
    [container] = trees["META-INF/container.xml"].findall(".//{*}rootfile")
    package = container.get("full-path")
    items = {item.get("id"): posixpath.join("book", item.get("href"))
             for item in trees[package].iter(f"{OPF}item")}
    listed = {*items.values(), "mimetype", "META-INF/container.xml", package}
    found += [f"{name}: not in the package" for name in sorted(files.keys() - listed)]
    found += [f"{name}: in the list, but missing" for name in sorted(listed - files.keys())]
    spine = [items[item.get("idref")] for item in trees[package].iter(f"{OPF}itemref")]
    pages = {name: tree for name, tree in trees.items() if name.endswith(".xhtml")}
    found += [f"{name}: never read" for name in sorted(
        pages.keys() - {*spine, "book/nav.xhtml"})]
    ids = {}
    for name, tree in pages.items():
        every = [element.get("id") for element in tree.iter() if element.get("id")]
        found += [f"{name}: {id} twice" for id in sorted({id for id in every
                                                          if every.count(id) > 1})]
        ids[name] = set(every)
    for name, tree in pages.items():
        for element in tree.iter():
            url = element.get("href") or element.get("src") or ""
            path, _, place = url.partition("#")
            target = posixpath.normpath(posixpath.join("book", path)) if path else name
            dead = target not in files or place and place not in ids.get(target, ())
            if ":" not in url and dead:
                found.append(f"{name}: {url} leads nowhere")
        if any("\\(" in text or "\\[" in text for text in tree.itertext()):
            found.append(f"{name}: a formula is left in TeX")
        found += [f"{name}: <{element.tag.split('}')[-1]}> is not for a reader"
                  for element in tree.iter() if element.tag in (
                      f"{XHTML}script", f"{XHTML}button", f"{MATHML}merror")]
    return found


def test_nothing_is_wrong_with_it(content):
    assert faults(content) == []


def test_every_page_is_there_in_order(content, built_once):
    files = opened(content)
    navigation = ElementTree.fromstring(files["book/nav.xhtml"])
    assert [link.text for link in navigation.iter(f"{XHTML}a")] == [
        "A mini book", "The loop", "The Gaussian", "The ledger", "Bibliography"]
    assert [link.text for link in navigation.iter(f"{XHTML}span")] == [
        "Rates of collapse", "Appendix"]
    chapter = ElementTree.fromstring(files["book/rates-gaussian.xhtml"])
    formulas = list(chapter.iter(f"{MATHML}math"))
    assert len(formulas) >= 4
    assert any(formula.get("display") == "block" for formula in formulas)
    assert list(chapter.iter(f"{MATHML}mfrac"))
    [image] = chapter.iter(f"{XHTML}img")
    assert image.get("alt").startswith("A curve that falls") and image.get("src").endswith(".svg")


def changed(content, name, old, new):
    """The EPUB with text replaced in one of its files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for other, text in opened(content).items():
            if other == name:
                assert old in text
                text = text.replace(old, new, 1)
            archive.writestr(other, text)
    return made.getvalue()


@pytest.mark.parametrize(("name", "old", "new", "fault"), [
    ("mimetype", b"epub", b"epup", "mimetype is not first"),
    ("book/rates-loop.xhtml", b"</h2>", b"</h3>", "book/rates-loop.xhtml: mismatched tag"),
    ("book/package.opf", b'href="epub.css"', b'href="other.css"', "book/epub.css: not in the"),
    ("book/package.opf", b'href="epub.css"', b'href="other.css"', "book/other.css: in the list"),
    ("book/rates-loop.xhtml", b"rates-gaussian.xhtml", b"rates-normal.xhtml", "leads nowhere"),
    ("book/rates-loop.xhtml", b"<h2>", b"<h2>\\(x\\)", "a formula is left in TeX"),
    ("book/rates-loop.xhtml", b"<h2>", b"<h2><script/>", "<script> is not for a reader"),
])
def test_a_planted_fault_is_found(content, name, old, new, fault):
    assert any(fault in line for line in faults(changed(content, name, old, new)))


def test_a_dead_link_stops_it(built_once, tmp_path, monkeypatch):
    from collapse.publishing.project import BuildError, Project

    monkeypatch.setattr(pdf, "dead_links", lambda text: ["#nowhere"])
    with pytest.raises(BuildError, match="lead nowhere:\n#nowhere"):
        epub._files(Project(built_once))
