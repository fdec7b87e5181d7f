"""Texts: good ones arrive, bad ones give one clear error, and no download leaves a partial file."""

import hashlib
import http.server
import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from collapse import _files, datasets, language

ROOT = Path(__file__).parents[1]

TEXT = "A small text. It has a few words,\nand two lines.\n" * 4000
BODY = TEXT.encode()


# ------------------------------------------------------------------------------ measured data


def test_the_spectrum_has_the_size_of_the_text():
    counts = datasets.wikitext2_counts()
    assert counts.dtype.kind == "i" and counts.ndim == 1
    assert (counts.sum(), counts.size, counts.min()) == (436_577, 19_919, 1)
    assert np.all(np.diff(counts) >= 0)


def test_sentences_have_fewer_words_than_the_text():
    counts, inside = datasets.wikitext2_counts(), datasets.wikitext2_sentence_counts()
    assert inside.size == counts.size and inside.min() == 1
    assert 0.9 * counts.sum() > inside.sum() > 0.8 * counts.sum()
    # A word occurs at least as often as it has sentences; so also when both are sorted.
    assert np.all(inside <= counts) and np.any(inside < counts)


def test_the_spectra_are_those_of_the_text(wikitext):
    tokens = datasets.words(wikitext)
    assert datasets.wikitext2_counts().tolist() == sorted(Counter(tokens).values())
    lines = [set(datasets.words(line)) for line in language.split_sentences(wikitext)]
    inside = Counter(word for line in lines for word in line)
    assert datasets.wikitext2_sentence_counts().tolist() == sorted(inside.values())


@pytest.mark.parametrize(("text", "expected"), [
    ("The cat, the CAT's hat.", ["the", "cat", "the", "cat", "s", "hat"]),
    ("1 @-@ 2 <unk> a_b\tÉté", ["1", "2", "unk", "a_b", "été"]),
    (" .,;\n", []),
])  # fmt: skip
def test_words(text, expected):
    assert datasets.words(text) == expected


def test_words_wants_text():
    with pytest.raises(TypeError, match="text must be a str"):
        datasets.words(b"bytes")


# ----------------------------------------------------------------------------- the default text


def test_the_default_text_is_the_same_in_another_process():
    code = ("import hashlib; from collapse import datasets; "
            "print(hashlib.sha256(datasets.load_text().encode()).hexdigest())")
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True,
                            text=True, env={**os.environ, "PYTHONHASHSEED": "7"}, cwd=ROOT)
    text = datasets.load_text()
    assert answer.stdout.strip() == hashlib.sha256(text.encode()).hexdigest()
    # Made by arithmetic that all versions of Python share, so its hash is a fact about the text.
    assert answer.stdout.startswith("6353131b9bf23c90")


def test_the_default_text_looks_like_a_text():
    tokens = datasets.words(datasets.load_text())
    counts = np.array(sorted(Counter(tokens).values(), reverse=True))
    assert 20_000 <= counts.sum() <= 40_000
    assert counts.size > 1500
    assert (counts == 1).mean() > 0.2  # there is something to forget
    assert counts[0] > 1000


# --------------------------------------------------------------------------------- local files


@pytest.mark.parametrize("wrap", [str, Path])
def test_a_local_file(tmp_path, wrap):
    path = tmp_path / "my text.txt"
    path.write_bytes(b"\xef\xbb\xbfTwo\r\nwords\rhere")  # a byte order mark and old line ends
    assert datasets.load_text(wrap(path)) == "Two\nwords\nhere"


def test_a_path_called_default_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("default").write_text("my own words")
    assert datasets.load_text(Path("default")) == "my own words"
    assert datasets.load_text("default") != "my own words"


@pytest.mark.parametrize(("content", "message"), [
    (b"", "at least two distinct words"),
    (b" \n\t ", "at least two distinct words"),
    (b"... !", "at least two distinct words, it has none$"),
    (b"word Word, word!", "at least two distinct words, it has only one"),
    (b"\x7fELF\x00\x01 words here", "NUL bytes"),
    ("zwei Wörter".encode("utf-16"), "NUL bytes"),
    ("zwei Wörter".encode("latin-1"), r"UTF-8: byte 6 \(0xf6\)"),
    (BODY[:9] + b"\xff" + BODY[9:], "UTF-8: byte 9"),
])  # fmt: skip
def test_bad_files(tmp_path, content, message):
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        datasets.load_text(path)
    assert str(caught.value).startswith("source ") and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["no such file.txt", "wikitext-3", "a/b/c", "a\0b"])
def test_what_is_neither_a_name_nor_a_file(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match="source must be 'default', 'wikitext-2' or the path") as e:
        datasets.load_text(name)
    assert "\n" not in str(e.value)


def test_a_folder_is_no_text(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder"):
        datasets.load_text(tmp_path)


def test_a_name_that_is_too_long():
    # Some systems say that it is too long, others that there is no such file.
    with pytest.raises(OSError, match="'xx+.* cannot be read|there is no file 'xx+"):
        datasets.load_text("x" * 10_000)


@pytest.mark.parametrize("source", [None, 3, b"default", ["default"]])
def test_sources_of_the_wrong_type(source):
    with pytest.raises(TypeError, match="source must be 'default'"):
        datasets.load_text(source)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        datasets.load_text(tmp_path / "pipe")


def test_a_cache_of_the_wrong_type():
    with pytest.raises(TypeError, match="cache must be the path of a folder"):
        datasets.load_text("wikitext-2", cache=3)


# ------------------------------------------------------------------------------------ download


class Server(http.server.ThreadingHTTPServer):
    """Answers with `body`, in the way that `mode` says; counts the requests."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.mode, self.requests = BODY, "good", 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/text.txt"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests += 1
        if self.server.mode == "missing":
            self.send_error(404)
            return
        body = self.server.body
        self.send_response(200)
        if self.server.mode != "endless":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.mode == "truncated":
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        elif self.server.mode == "endless":
            try:
                while True:
                    self.wfile.write(body)
            except OSError:  # the client has seen enough
                pass
        else:
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(datasets, "_WIKITEXT2", {
            "url": server.url, "sha256": hashlib.sha256(BODY).hexdigest(), "bytes": len(BODY),
            "file": "text.txt",
        })  # fmt: skip
        monkeypatch.setattr(datasets, "_SCHEME", "http://")  # it has no certificate
        yield server
        server.shutdown()


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "new" / "cache"


def files(folder):
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


@pytest.mark.parametrize("progress", [True, False])
def test_a_download_happens_once(server, cache, progress):
    assert datasets.load_text("wikitext-2", cache=cache, progress=progress) == TEXT
    assert datasets.load_text("wikitext-2", cache=str(cache)) == TEXT
    assert server.requests == 1
    assert files(cache) == ["text.txt"]


@pytest.mark.parametrize(("mode", "body", "error", "message"), [
    ("truncated", BODY, ValueError, "was cut off after"),
    ("good", BODY[:-1], ValueError, "was cut off after"),
    ("good", BODY.replace(b"small", b"SMALL", 1), ValueError, "another SHA-256"),
    ("good", BODY + b"more", ValueError, "another SHA-256"),
    ("endless", BODY, ValueError, "another SHA-256"),
    ("good", b"", ValueError, "was cut off after 0"),
    ("missing", BODY, ConnectionError, "HTTP 404"),
])  # fmt: skip
def test_a_bad_download_leaves_nothing_and_the_next_one_works(
    server, cache, mode, body, error, message
):
    server.mode, server.body = mode, body
    with pytest.raises(error, match=message) as caught:
        datasets.load_text("wikitext-2", cache=cache)
    assert "\n" not in str(caught.value) and "wikitext-2" in str(caught.value)
    assert files(cache) == []
    server.mode, server.body = "good", BODY
    assert datasets.load_text("wikitext-2", cache=cache) == TEXT
    assert files(cache) == ["text.txt"]


def test_no_network(server, cache, monkeypatch):
    server.server_close()  # nobody listens at this port any more
    with pytest.raises(ConnectionError, match="could not be downloaded.*local copy"):
        datasets.load_text("wikitext-2", cache=cache)
    assert files(cache) == []


def test_an_interrupt_leaves_nothing_and_the_next_one_works(server, cache, monkeypatch):
    class Interrupted:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return False

        def update(self, _):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(datasets, "_bar", lambda *_: Interrupted())
        with pytest.raises(KeyboardInterrupt):
            datasets.load_text("wikitext-2", cache=cache)
    assert files(cache) == []
    assert datasets.load_text("wikitext-2", cache=cache) == TEXT


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_failing_write_leaves_nothing_and_names_the_cache(server, cache, monkeypatch, error):
    def fail(_):
        assert any(name.endswith(".part") for name in files(cache))
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(_files.os, "fsync", fail)
        with pytest.raises(type(error)) as caught:
            datasets.load_text("wikitext-2", cache=cache)
    if isinstance(error, OSError):
        assert str(caught.value) == ("cache must be a folder to read from and write to; "
                                     f"{str(cache)!r}: No space left on device")
    assert files(cache) == []
    assert datasets.load_text("wikitext-2", cache=cache) == TEXT


@pytest.mark.parametrize("there", [BODY, b"something else", None])
def test_another_process_was_faster(server, cache, monkeypatch, there):
    def refuse(part, path):  # as Windows does while the other one reads the file
        if there is not None:
            Path(path).write_bytes(there)
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(_files.os, "replace", refuse)
    if there == BODY:
        assert datasets.load_text("wikitext-2", cache=cache) == TEXT
        assert files(cache) == ["text.txt"]
    else:
        with pytest.raises(OSError, match="cache must be .*Permission denied"):
            datasets.load_text("wikitext-2", cache=cache)
        assert not any(name.endswith(".part") for name in files(cache))


def test_what_is_left_of_a_killed_download_may_vanish_meanwhile(server, cache, monkeypatch):
    cache.mkdir(parents=True)
    (cache / ".text.txt.abc.part").write_bytes(BODY[:100])

    glob = Path.glob
    monkeypatch.setattr(Path, "glob", lambda self, pattern: [
        (path, path.unlink())[0] for path in list(glob(self, pattern))])
    assert datasets.load_text("wikitext-2", cache=cache) == TEXT


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_the_cached_text_has_the_permissions_of_any_file(server, cache):
    datasets.load_text("wikitext-2", cache=cache)
    (cache / "other").write_bytes(b"")
    assert (cache / "text.txt").stat().st_mode == (cache / "other").stat().st_mode


def test_a_killed_download_is_cleaned_up_by_a_later_one(server, cache):
    cache.mkdir(parents=True)
    old, young = cache / ".text.txt.abc.part", cache / ".text.txt.def.part"
    old.write_bytes(BODY[:100])
    os.utime(old, (0, 0))
    young.write_bytes(BODY[:100])  # another process may be writing it right now
    assert datasets.load_text("wikitext-2", cache=cache) == TEXT
    assert files(cache) == [young.name, "text.txt"]


@pytest.mark.parametrize("spoilt", [b"", BODY[:-5], b"x" + BODY[1:]])
def test_a_spoilt_file_in_the_cache_is_fetched_again(server, cache, spoilt):
    cache.mkdir(parents=True)
    (cache / "text.txt").write_bytes(spoilt)
    assert datasets.load_text("wikitext-2", cache=cache) == TEXT
    assert server.requests == 1
    (cache / "text.txt").write_bytes(spoilt)
    server.mode = "missing"
    with pytest.raises(ConnectionError):
        datasets.load_text("wikitext-2", cache=cache)
    assert files(cache) == []


def test_a_cache_that_is_a_file(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="cache must be a folder") as caught:
        datasets.load_text("wikitext-2", cache=tmp_path / "file")
    assert "\n" not in str(caught.value)


def test_where_the_cache_is(server, tmp_path, monkeypatch):
    monkeypatch.setenv(datasets.CACHE_VARIABLE, str(tmp_path / "ours"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    datasets.load_text("wikitext-2")
    assert (tmp_path / "ours" / "text.txt").is_file()
    datasets.load_text("wikitext-2", cache=tmp_path / "argument")
    assert (tmp_path / "argument" / "text.txt").is_file()
    monkeypatch.delenv(datasets.CACHE_VARIABLE)
    datasets.load_text("wikitext-2")
    assert (tmp_path / "xdg" / "model-collapse-companion" / "text.txt").is_file()


def test_the_pinned_text_is_the_shared_one(wikitext):
    content = wikitext.encode()  # no carriage returns, no byte order mark: nothing is changed
    assert hashlib.sha256(content).hexdigest() == datasets._WIKITEXT2["sha256"]
    assert len(content) == datasets._WIKITEXT2["bytes"]


class TestPublishedReadings:
    def test_every_curve_of_the_file(self):
        table = datasets._table("published_readings.csv")
        for (figure, curve), rows in table.groupby(["figure", "curve"]):
            found = datasets.published_readings(figure, curve)
            assert list(found) == ["generation", "value", "pixel"] and len(found) == len(rows)
            assert found["generation"].is_monotonic_increasing
            assert found["value"].between(0, 1).all() and found["value"].is_monotonic_decreasing
            assert (found["pixel"] > 0).all() and (found["pixel"] < 0.02).all()

    def test_unknown(self):
        with pytest.raises(ValueError, match="figure and curve must be one of"):
            datasets.published_readings("P1-F-gmm", "ML")
