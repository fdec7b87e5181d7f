"""Texts to train on, and what was measured on WikiText-2.

    >>> from collapse import datasets
    >>> counts = datasets.wikitext2_counts()     # one count per word type
    >>> text = datasets.load_text("default")     # a text that needs no network

WikiText-2 (Merity et al. 2016, CC BY-SA) is not part of the project. What ships is what was
measured on it (by ``python -m collapse.measure``): how often words occur, and in how many
sentences, and the curves of recursively trained n-gram models. The text itself comes by download
with a checked hash, or from a file of yours.
"""

import contextlib
import hashlib
import json
import os
import random
import re
import stat
import sys
import time
import urllib.error
import urllib.request
from bisect import bisect
from collections import Counter
from importlib import resources
from itertools import accumulate
from pathlib import Path

import numpy as np
import pandas as pd

from collapse import _checks, _files

__all__ = [
    "CACHE_VARIABLE",
    "count_spectrum",
    "load_text",
    "published_readings",
    "stored",
    "wikitext2_counts",
    "wikitext2_ngrams",
    "wikitext2_script",
    "wikitext2_sentence_counts",
    "words",
]

CACHE_VARIABLE = "COLLAPSE_CACHE"
"""Environment variable: the folder for downloads."""

_WIKITEXT2 = {
    "url": (
        "https://raw.githubusercontent.com/berserank/rate-of-model-collapse/"
        "a172c4d50ec32f0c54bf8a8fa8bd7fc8774720f4/train_sampled.txt"
    ),
    "sha256": "aca519146ad90d84b7ec5731a0a3b2d15629b4aab61184c3ed18e660b2257fee",
    "bytes": 2699054,
    "file": "wikitext2_train_sampled.txt",
}
_SCHEME = "https://"  # of the address, and of where it leads to
_TIMEOUT = 30  # seconds without an answer
_CHUNK = 2**16
_ABANDONED = 3600  # seconds after which nobody can be writing a temporary file


# ------------------------------------------------------------------------------ measured data


def wikitext2_counts():
    """How often each word type of WikiText-2 occurs.

    The text is the part of WikiText-2 (train) that the public code of Suresh et al. (2025) ships,
    512 615 blank-separated words; `words` makes 436 577 tokens of it. It has the placeholder
    <unk> for rare words, as WikiText-2-raw has not.

    Returns
    -------
    int array
        One count per word type, 19 919 of them, in increasing order. Which word has which count
        is not recorded: the laws of this package do not need it.
    """
    return _spectrum("wikitext2_counts.csv")


def wikitext2_sentence_counts():
    """In how many of the 21 739 sentences of WikiText-2 each word type occurs.

    The text is that of `wikitext2_counts`, cut as `collapse.language.split_sentences` does by
    default.

    Returns
    -------
    int array
        One number per word type, 19 919 of them, in increasing order (so which of them goes with
        which entry of `wikitext2_counts` is not recorded).
    """
    return _spectrum("wikitext2_sentence_counts.csv")


def wikitext2_ngrams():
    """Statistics of n-gram models trained recursively on WikiText-2, as stored.

    Returns
    -------
    pandas.DataFrame
        One row per (setting, order, replication, generation); the columns are those of
        `collapse.language.recursive_ngram`. The settings, and how many runs each of them has, are
        in `collapse.measure.SETTINGS`; the head of collapse/data/wikitext2_ngrams.csv says from
        what it was made.
    """
    return _table("wikitext2_ngrams.csv")


def wikitext2_script():
    """Distinct words after each generation of bigrams: the public script against our reproduction.

    Returns
    -------
    pandas.DataFrame
        Columns ``generation`` (0 to 3), ``script`` (one run of the script of Suresh et al. (2025)
        on the first 260 000 characters of the text), ``ours_mean`` and ``ours_sd`` (mean and
        standard deviation of a run, from ``ours_runs`` runs). The head of the file
        collapse/data/wikitext2_script.csv says how they were made.
    """
    return _table("wikitext2_script.csv")


def published_readings(figure, curve):
    """A curve of the public figures of Suresh et al. (2025), as read off the stored image.

    Parameters
    ----------
    figure : str
        Its id in the book, such as "P1-F-gmm".
    curve : str
        Such as "exact ML"; the file collapse/data/published_readings.csv has them all.

    Returns
    -------
    pandas.DataFrame
        Columns ``generation``, ``value`` and ``pixel``, a bound on the reading error.

    Raises
    ------
    ValueError
        If there is no such curve.
    """
    table = _table("published_readings.csv")
    known = sorted(set(zip(table["figure"], table["curve"], strict=True)))
    given = (_checks.text(figure, "figure"), _checks.text(curve, "curve"))
    if given not in known:
        raise ValueError(f"figure and curve must be one of {known}, got {_checks.shown(given)}")
    rows = table[(table["figure"] == figure) & (table["curve"] == curve)]
    return rows[["generation", "value", "pixel"]].reset_index(drop=True)


def stored(name):
    """What was measured on one machine, to be shown elsewhere.

    Parameters
    ----------
    name : {"benchmarks", "tail"}
        Results of ``make bench-store`` or ``make tail-store``.

    Returns
    -------
    dict
        As the script has written it.

    Raises
    ------
    ValueError
        If there is no such result.
    """
    _checks.choice(name, "name", ("benchmarks", "tail"))
    path = resources.files("collapse").joinpath("data", f"{name}.json")
    return json.loads(path.read_text(encoding="utf-8"))


def count_spectrum(tokens):
    """How many types occur how often.

    Parameters
    ----------
    tokens : iterable of hashable

    Returns
    -------
    pandas.DataFrame
        Columns ``count`` (increasing) and ``types``: so many types occur ``count`` times.

    Raises
    ------
    TypeError
        If ``tokens`` is anything else.
    """
    try:
        occurrences = Counter(iter(tokens))
    except TypeError as error:
        raise TypeError(
            f"tokens must be an iterable of hashable values, got {_checks.shown(tokens)}"
        ) from error
    spectrum = sorted(Counter(occurrences.values()).items())
    return pd.DataFrame(spectrum, columns=["count", "types"])


def _spectrum(name):
    spectrum = _table(name)
    return np.repeat(spectrum["count"].to_numpy(), spectrum["types"].to_numpy())


def _table(name):
    with resources.files("collapse").joinpath("data", name).open(encoding="utf-8") as file:
        return pd.read_csv(file, comment="#")


# ---------------------------------------------------------------------------------------- text


def words(text):
    """The tokens of a text: lower case, everything but word characters is a blank.

    Word characters are Unicode letters, digits and the underscore. This is the tokeniser behind
    the unigram figure of Suresh et al. (2025).

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str
    """
    return re.sub(r"\W+", " ", _checks.text(text, "text").lower()).split()


def load_text(source="default", *, cache=None, progress=True):
    """A text to train on.

    Parameters
    ----------
    source : str or path
        ``"default"``: a small text of this project, made by a grammar, the same everywhere; no
        network is needed. ``"wikitext-2"``: the text of Suresh et al. (2025), downloaded once
        and checked by its SHA-256. Anything else: the path of a text file in UTF-8.
    cache : str or path, optional
        Folder for the download. By default the folder named by the environment variable
        COLLAPSE_CACHE, or else ``model-collapse-companion`` in the user's cache folder.
    progress : bool
        Show a progress bar on a terminal while downloading (if tqdm is installed).

    Returns
    -------
    str
        With ``\\n`` at the ends of lines, and at least two distinct words.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If the text is empty, has only one distinct word, is binary or not in UTF-8, or if the
        download is not the expected text (truncated or changed). No partial file is left.
    FileNotFoundError
        If ``source`` is neither a name nor an existing file.
    OSError
        If a file cannot be read or written; ConnectionError if the download fails.
    """
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(f"source must be {_SOURCES}, got {_checks.shown(source)}")
    if cache is not None and not isinstance(cache, (str, os.PathLike)):
        raise TypeError(
            f"cache must be the path of a folder or None, got {_checks.shown(cache)}"
        )
    if isinstance(source, str) and source == "default":
        return _default_text()
    if isinstance(source, str) and source == "wikitext-2":
        return _decode(_wikitext2(_cache_folder(cache), progress), source)
    return _decode(_read_local(source), os.fspath(source))


_SOURCES = "'default', 'wikitext-2' or the path of a text file"


def _read_local(source):
    path = Path(source)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(f"source must be {_SOURCES}; {str(path)!r} is a folder")
        if not stat.S_ISREG(mode):
            raise OSError(f"source must be {_SOURCES}; {str(path)!r} is not a regular file")
        return path.read_bytes()
    except IsADirectoryError:
        raise
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # a NUL: ValueError
        raise FileNotFoundError(
            f"source must be {_SOURCES}; there is no file {_checks.shown(str(path))}"
        ) from error
    except OSError as error:
        if error.errno is None:  # our own
            raise
        shown = _checks.shown(str(path))
        raise type(error)(f"source {shown} cannot be read: {error.strerror}") from error


def _decode(content, name):
    if b"\0" in content:
        raise ValueError(f"source {name!r} must be a text in UTF-8: it has NUL bytes, so it is "
                         "binary or in another encoding")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"source {name!r} must be a text in UTF-8: byte {error.start} "
                         f"(0x{content[error.start]:02x}) is not") from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    distinct = len(set(words(text)))
    if distinct < 2:
        found = "only one" if distinct else "none"
        raise ValueError(f"source {name!r} must have at least two distinct words, it has {found}")
    return text


# ------------------------------------------------------------------------------------ download


def _cache_folder(cache):
    if cache is None:
        cache = os.environ.get(CACHE_VARIABLE) or None
    if cache is not None:
        return Path(cache).expanduser()
    if os.environ.get("XDG_CACHE_HOME"):
        base = Path(os.environ["XDG_CACHE_HOME"])
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path.home() / ".cache"
    return base / "model-collapse-companion"


def _wikitext2(folder, progress):
    """The bytes of the text: from the cache if its hash is right, or else by download."""
    path = folder / _WIKITEXT2["file"]
    with _naming(folder), contextlib.suppress(FileNotFoundError):
        content = path.read_bytes()
        if _is_wikitext2(content):
            return content
        path.unlink()  # someone changed it; what is in the cache can be trusted
    return _download(path, progress)


def _download(path, progress):
    """Download the text, check it, and put it at ``path`` in one step."""
    with _naming(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{path.name}.*.part"):  # by a process that was killed
            with contextlib.suppress(FileNotFoundError):  # another one has just finished it
                if time.time() - left.stat().st_mtime > _ABANDONED:
                    left.unlink()
    content = _fetch(progress)
    with _naming(path.parent):
        try:
            _files.write(path, content)
        except OSError:  # Windows: another process put it there and reads it
            if not path.is_file() or not _is_wikitext2(path.read_bytes()):
                raise
    return content


@contextlib.contextmanager
def _naming(folder):
    """Whatever goes wrong with files in here is said of the cache."""
    try:
        yield
    except OSError as error:
        raise OSError(f"cache must be a folder to read from and write to; {str(folder)!r}: "
                      f"{error.strerror or error}") from error


def _is_wikitext2(content):
    return hashlib.sha256(content).hexdigest() == _WIKITEXT2["sha256"]


def _fetch(progress):
    """The bytes behind the address, checked. Raises ConnectionError or ValueError."""
    import http.client

    url, expected = _WIKITEXT2["url"], _WIKITEXT2["bytes"]
    received = bytearray()
    try:
        if not url.startswith(_SCHEME):
            raise OSError(f"the address must start with {_SCHEME}")
        with (
            urllib.request.urlopen(url, timeout=_TIMEOUT) as answer,
            _bar(expected, progress) as bar,
        ):
            if not answer.url.startswith(_SCHEME):
                raise OSError(f"it leads to {answer.url}, which must start with {_SCHEME}")
            # One chunk beyond the expected size is enough to know that it is another text.
            while len(received) <= expected and (chunk := answer.read(_CHUNK)):
                received += chunk
                bar.update(len(chunk))
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or str(error) or type(error).__name__
        if isinstance(error, urllib.error.HTTPError):
            reason = f"HTTP {error.code}"
        raise ConnectionError(
            f"source 'wikitext-2' could not be downloaded from {url} ({reason}); "
            "try again, or give the path of a local copy"
        ) from error
    if len(received) < expected:
        raise ValueError(f"source 'wikitext-2' was cut off after {len(received)} of {expected} "
                         f"bytes from {url}; nothing was kept, try again")
    if not _is_wikitext2(received):
        raise ValueError(f"source 'wikitext-2' is not the expected text: {url} has another "
                         "SHA-256; nothing was kept")
    return bytes(received)


def _bar(total, progress):
    if progress:
        try:
            from tqdm import tqdm
        except ImportError:
            pass
        else:  # disable=None: only on a terminal
            return tqdm(total=total, unit="B", unit_scale=True, desc="WikiText-2", disable=None)
    return _NoBar()


class _NoBar:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def update(self, _):
        pass


# ---------------------------------------------------------------------------- the default text

_SENTENCES = 2600
_PEOPLE = """
    miller widow baker sailor farmer teacher carpenter queen shepherd doctor merchant weaver judge
    gardener smith clerk hunter singer painter soldier mason potter fisherman printer glazier cook
    pilot surveyor beekeeper ferryman clockmaker librarian apothecary cooper tanner dyer
    """.split()
_THINGS = """
    lantern boat letter horse map bell book house bridge road field river garden clock window
    barrel coat key ship wall tower table net mill cart door basket ring song stone lamp rope
    mirror wheel drum knife orchard well gate candle ladder kettle flag anchor saddle violin
    compass almanac ledger blanket chimney cradle hammer plough quill sail shovel spindle
    telescope trumpet vase whistle loom cupboard
    """.split()
_QUALITIES = """
    old small white broken heavy new quiet dark long bright empty strange narrow golden cold tall
    wooden blue patient careful rusty honest gentle crooked silver hollow distant ancient plain
    velvet bitter clumsy faithful grey humble idle jolly lame modest noble pale rough slender
    stubborn tired weary
    """.split()
_DEEDS = """
    sold found carried built repaired bought lost painted remembered opened concealed moved borrowed
    followed cracked cleaned described closed measured burned guarded traced copied washed counted
    mended wrapped polished promised returned admired buried inherited lent planted praised sketched
    pocketed tuned varnished weighed
    """.split()
_WHEN = """
    in spring|after the rain|before dawn|at night|in the autumn|every evening|on the third day|
    during the long winter|without a word|at the end of the war|early in the morning|
    when the snow had melted|for the last time|on market day|after the harvest|by candlelight
    """.replace("\n", " ").split("|")
_BECAUSE = """
    because nobody else wanted it|although the price was high|so that the children could see it|
    while the others slept|as the law required|since there was nothing left to do|
    but the weather did not allow it|until the money was gone|
    and the whole village spoke of it for years|which surprised no one
    """.replace("\n", " ").split("|")
_PLACE_START = """
    Ar Bel Cal Dor El Fen Gal Hol Il Kar Lin Mor Nor Ol Pen Quel Ros Sal Tor Ul Ver Wen Yar Zel
    Bran Crom Drum Farn Glen Hart
    """.split()
_PLACE_END = """
    brook mere ford wick ham stead by dale field gate haven ley minster mouth port ridge shaw stow
    thorpe wold combe den firth holt
    """.split()
_NAME_START = """
    Ada Al Bri Cor Da Ed Emi Fa Fri Gre Gu Ha Hel Isa Jo Ka Lu Mari Na Ni Ori Os Pe Ro Se Si Ti
    Una Vi Wal Wil Yo
    """.split()
_NAME_END = """
    la ra na lia rin bert da dor gar len mar mund nor ric sa tha ven wyn
    """.split()


class _Bag:
    """Words to draw from by Zipf's law with a flat head: the i-th has weight 1/(i + 2.7)."""

    def __init__(self, items, flat=2.7):
        self.items = [item.strip() for item in items]
        self.ends = list(accumulate(1 / (i + flat) for i in range(1, len(self.items) + 1)))

    def draw(self, random):
        return self.items[bisect(self.ends, random() * self.ends[-1])]


def _default_text():
    """Some 2 600 sentences about villages, by a grammar and `random.Random.random`.

    Python promises that this one method gives the same numbers in all versions; the rest is
    arithmetic with divisions and sums, which is the same everywhere.
    """
    draw = random.Random(19710412).random
    people, things, qualities, deeds, when, because = map(
        _Bag, (_PEOPLE, _THINGS, _QUALITIES, _DEEDS, _WHEN, _BECAUSE)
    )
    # Shuffled by hand, so that rare names do not share their beginnings.
    places, names = (
        _Bag(sorted((start + end for start in starts for end in ends), key=lambda _: draw()), 40.0)
        for starts, ends in ((_PLACE_START, _PLACE_END), (_NAME_START, _NAME_END))
    )
    years = _Bag(sorted((str(year) for year in range(1400, 1900)), key=lambda _: draw()), 40.0)

    def thing():
        quality = f"{qualities.draw(draw)} " if draw() < 0.5 else ""
        return f"the {quality}{things.draw(draw)}"

    def person():
        x = draw()
        if x < 0.35:
            return f"{names.draw(draw)} of {places.draw(draw)}"
        if x < 0.7:
            return f"the {people.draw(draw)} of {places.draw(draw)}"
        return f"the {qualities.draw(draw)} {people.draw(draw)}"

    def clause():
        x = draw()
        if x < 0.6:
            return f"{person()} {deeds.draw(draw)} {thing()}"
        if x < 0.85:
            other = "from" if draw() < 0.5 else "for"
            return f"{person()} {deeds.draw(draw)} {thing()} {other} {person()}"
        return f"{thing()} of {person()} was {deeds.draw(draw)} {when.draw(draw)}"

    def sentence():
        line = clause()
        if draw() < 0.3:
            line = f"in {years.draw(draw)} {line}"
        if draw() < 0.35:
            line += f" {when.draw(draw)}"
        x = draw()
        if x < 0.2:
            line += f", {because.draw(draw)}"
        elif x < 0.4:
            line += f", and {clause()}"
        return line[0].upper() + line[1:] + "."

    text = [sentence() for _ in range(_SENTENCES)]
    return "\n".join(" ".join(text[i : i + 6]) for i in range(0, _SENTENCES, 6)) + "\n"
