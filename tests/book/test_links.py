"""Links that lead out of the book lead somewhere; Sphinx's linkcheck asks, for `make verify`."""

import html
import http.server
import json
import re
import subprocess
import sys
import threading

import pytest

from collapse.datasets import _WIKITEXT2

TEXTS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CITATION.cff",
         "collapse/publishing/course.py")
ANSWERED = {"working", "redirected"}
# Publishers send programs away; the handle system tells them whether there is such a DOI.
DOI, HANDLE = "https://doi.org/", "https://doi.org/api/handles/"


def addresses(book):
    """All addresses that the pages, the texts beside the book and the data loader name."""
    found = {_WIKITEXT2["url"]}
    for page in book.html.rglob("*.html"):
        links = re.findall(r'<a\b[^>]*\bhref="(https?:[^"]+)"', page.read_text(encoding="utf-8"))
        found.update(map(html.unescape, links))
    for name in TEXTS:
        text = (book.root / name).read_text(encoding="utf-8")
        found.update(re.findall(r"https?://[^\s)>\"'`{}]+", text))
    return sorted(address.replace(DOI, HANDLE) for address in found)


def ask(folder, links):
    """What linkcheck says of each address: a dictionary with keys status and info."""
    (folder / "conf.py").write_text("linkcheck_retries = 3\nlinkcheck_timeout = 20\n")
    (folder / "index.rst").write_text("Links\n=====\n\n" + "".join(
        f"- `{number} <{link}>`__\n" for number, link in enumerate(links)))
    done = subprocess.run([sys.executable, "-m", "sphinx", "-q", "-b", "linkcheck", folder,
                           folder / "out"], capture_output=True, text=True)
    report = folder / "out/output.json"
    assert report.exists(), done.stderr
    answers = {answer["uri"]: answer for answer in map(json.loads, report.open(encoding="utf-8"))}
    assert set(answers) == set(links)
    return answers


class _Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({"/moved": 301, "/here": 200}.get(self.path, 404))
        self.send_header("Location", "/here")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


def test_a_dead_link_is_found(tmp_path):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        root = f"http://127.0.0.1:{server.server_port}"
        links = [f"{root}/here", f"{root}/moved", f"{root}/gone"]
        answers = ask(tmp_path, links)
        server.shutdown()
    assert [answers[link]["status"] for link in links] == ["working", "redirected", "broken"]
    assert "404" in answers[links[2]]["info"]


def test_addresses_of_pages_texts_and_data_are_there(book):
    found = addresses(book)
    assert f"{HANDLE}10.1038/s41586-024-07566-y" in found  # of the bibliography
    assert "https://docs.xarray.dev" in found  # of README.md
    assert _WIKITEXT2["url"] in found


@pytest.mark.slow
def test_links_lead_somewhere(book, tmp_path):
    answers = ask(tmp_path, addresses(book))
    if not any(answer["status"] in ANSWERED for answer in answers.values()):
        pytest.skip("no link was asked: nothing outside can be reached from here")
    dead = {link: answer["info"] for link, answer in answers.items()
            if answer["status"] not in ANSWERED}
    assert not dead
