"""N-gram language models by maximum likelihood, trained on their own text again and again.

    >>> from collapse import datasets, language
    >>> corpus = language.Corpus.from_text(datasets.load_text("default"))
    >>> model = language.NGram(corpus, order=2)
    >>> text = model.generate(tokens=1000, rng=np.random.default_rng(1))
    >>> run = language.recursive_ngram(corpus, order=2, generations=10, seed=1)

A model of order n gives the next token, a word or the end of the sentence, the probability

    count(context, token) / count(context),        context = the n − 1 tokens before it,

with start tokens before the first word; nothing is smoothed. The table of these fractions is never
made: to draw the token, draw one of the places at which the context occurs, uniformly, and copy
the token that stands there. That is the same law, in constant time for every n.
"""

import hashlib
import json
import platform
import re
from functools import cached_property
from importlib import metadata

import numpy as np
import pandas as pd
import xarray as xr

from collapse import _checks, datasets, schedules
from collapse.recursion import _seed_sequence

__all__ = ["Corpus", "NGram", "iter_generations", "recursive_ngram", "split_sentences"]

_SPLITS = ("sentences", "published", "none")
_STARTS = ("sentence", "uniform")
_SIZES = ("tokens", "sentences")
_MAX_DRAWN = 10**9  # words, or sentences, of one text
_MAX_RUNS = 10**6
_BATCH = 2**15  # sentences generated side by side: bounds the working memory


# ------------------------------------------------------------------------------------- corpora


def split_sentences(text, *, rule="sentences"):
    """Cut a text into sentences.

    Parameters
    ----------
    text : str
    rule : {"sentences", "published", "none"}
        ``"sentences"``: at the end of a line, and after ``.``, ``!`` or ``?`` (and closing quotes
        or brackets) before a blank. ``"published"``: only at blanks between a full stop or
        question mark and a capital letter A–Z, and not where the second character before the stop
        is a capital letter; ends of lines do not count. This is what the public script of Suresh
        et al. (2025) falls back to. ``"none"``: one sentence.

    Returns
    -------
    list of str
    """
    _checks.text(text, "text")
    rule = _checks.choice(rule, "rule", _SPLITS)
    if rule == "none":
        return [text]
    if rule == "sentences":
        return re.split(r"\n+|(?<=[.!?])[\"'”’)\]]*\s+", text)
    cuts = [match for match in re.finditer(r"[.?] +(?=[A-Z])", text)
            if match.start() >= 2 and not "A" <= text[match.start() - 2] <= "Z"
            and text[match.start() - 1] != "\n"]
    starts = [0, *(match.end() for match in cuts)]
    ends = [*(match.start() + 1 for match in cuts), len(text)]
    return [text[start:end] for start, end in zip(starts, ends, strict=True)]


class Corpus:
    """A text as sentences of word numbers.

    Parameters
    ----------
    tokens : int array
        The words of all sentences, one after the other, as indices into ``vocabulary``.
    lengths : int array
        Number of words of each sentence (0 is allowed); they add up to the number of tokens.
    vocabulary : sequence of str
        What the indices stand for. Generated corpora share it with the text that they descend
        from, whether they still use all of it or not.

    Raises
    ------
    TypeError, ValueError
        If there are no sentences, or if the three do not fit together. A corpus may consist of
        empty sentences only.
    """

    def __init__(self, tokens, lengths, vocabulary):
        try:
            vocabulary = tuple(vocabulary)
        except TypeError:
            vocabulary = (None,)
        if not all(isinstance(word, str) for word in vocabulary):
            raise TypeError("vocabulary must be a sequence of str")
        tokens = _checks.integers(tokens, "tokens", low=0, high=len(vocabulary) - 1)
        lengths = _checks.integers(lengths, "lengths", low=0, high=tokens.size)
        if tokens.ndim != 1 or lengths.ndim != 1:
            raise ValueError("tokens and lengths must be one-dimensional")
        if lengths.size == 0 or lengths.sum() != tokens.size:
            raise ValueError("lengths must have at least one entry and add up to the number of "
                             f"tokens; got {lengths.size} with sum {lengths.sum()}, and "
                             f"{tokens.size} tokens")
        self.tokens = tokens.astype(np.int32)
        self.lengths = lengths
        self.vocabulary = vocabulary

    @classmethod
    def from_text(cls, text, *, split="sentences", punctuation=False):
        """Make a corpus of a text.

        Parameters
        ----------
        text : str
        split : {"sentences", "published", "none"}
            How to cut it into sentences: the ``rule`` of `split_sentences`.
        punctuation : bool
            Whether runs of other visible characters are tokens, too. Without them (the default)
            the tokens are those of `datasets.words`.

        Raises
        ------
        TypeError, ValueError
            For wrong arguments, and if the text has no words.
        """
        split = _checks.choice(split, "split", _SPLITS)
        _checks.flag(punctuation, "punctuation")
        lists = [re.findall(r"\w+|[^\w\s]+", sentence.lower()) if punctuation
                 else datasets.words(sentence) for sentence in split_sentences(text, rule=split)]
        lists = [words for words in lists if words]
        if not lists:
            raise ValueError("text must have at least one word, it has none")
        number = {}
        tokens = [number.setdefault(word, len(number)) for words in lists for word in words]
        return cls(tokens, [len(words) for words in lists], number)

    @cached_property
    def _padded(self):
        return _Padded(self)

    @property
    def size(self):
        """Number of tokens (ends of sentences not counted)."""
        return self.tokens.size

    def sentences(self, stop=None):
        """The first ``stop`` sentences (default: all; an int >= 0) as strings."""
        if stop is not None:
            stop = _checks.integer(stop, "stop", low=0)
        ends = np.cumsum(self.lengths[:stop])
        return [" ".join(self.vocabulary[token] for token in self.tokens[end - length : end])
                for end, length in zip(ends, self.lengths[:stop], strict=True)]

    def joined(self):
        """The same tokens as one sentence."""
        return Corpus(self.tokens, [self.size], self.vocabulary)

    def counts(self):
        """How often each entry of the vocabulary occurs, an int array."""
        return np.bincount(self.tokens, minlength=len(self.vocabulary))

    def sentence_counts(self):
        """In how many sentences each entry of the vocabulary occurs, an int array."""
        sentence = np.repeat(np.arange(self.lengths.size), self.lengths)
        pairs = np.unique(sentence * len(self.vocabulary) + self.tokens)
        return np.bincount(pairs % len(self.vocabulary), minlength=len(self.vocabulary))

    def distinct_words(self):
        """Number of distinct words (tokens of punctuation are not words)."""
        first = (self.vocabulary[i][:1] for i in np.flatnonzero(self.counts()))
        return sum(character.isalnum() or character == "_" for character in first)

    def distinct_ngrams(self, n):
        """Number of distinct runs of n words within sentences, n >= 1."""
        n = _checks.integer(n, "n", low=1)
        padded = self._padded
        # A run of n words ends before a position whose context of length n has no start token.
        return pd.unique(padded.contexts(n)[padded.within >= n]).size

    def distinct_sentences(self):
        """Number of distinct sentences."""
        padded = self._padded
        # The whole sentence is the context of its end.
        return pd.unique(padded.contexts(int(self.lengths.max()) + 1)[padded.ends]).size

    def entropy(self):
        """Entropy of the word frequencies, in bits."""
        return _entropy(self.counts())

    def conditional_entropy(self, order):
        """Entropy of the next token of the model of this order, given the context, in bits.

        The average is over the positions of the corpus, ends of sentences included.
        """
        order = _checks.integer(order, "order", low=1)
        padded = self._padded
        context = padded.contexts(order - 1)
        both = pd.factorize(context * (padded.end + 1) + padded.tokens)[0]
        return max(_entropy(np.bincount(both)) - _entropy(np.bincount(context)), 0.0)


def _entropy(counts):
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum()) + 0.0  # not -0.0


class _Padded:
    """The positions of a corpus: one for each word, and one for the end of each sentence."""

    def __init__(self, corpus):
        self.end = len(corpus.vocabulary)
        lengths = corpus.lengths + 1
        self.ends = np.cumsum(lengths) - 1
        self.tokens = np.full(lengths.sum(), self.end, dtype=np.int64)
        is_word = np.ones(self.tokens.size, dtype=bool)
        is_word[self.ends] = False
        self.tokens[is_word] = corpus.tokens
        self.within = np.arange(self.tokens.size) - np.repeat(self.ends - corpus.lengths, lengths)

    def contexts(self, length):
        """A number for each position, equal if and only if the ``length`` tokens before are equal.

        Doubling: contexts of length a + b agree if those of length a agree, and those of length b
        that end a places earlier. So it takes about 2 log2(length) passes, not ``length``.
        """
        length = min(length, int(self.within.max()) + 1)  # no longer one tells more
        power = np.where(self.within > 0, np.roll(self.tokens, 1), self.end + 1)
        power, reach = pd.factorize(power)[0], 1
        result, covered = np.zeros(self.tokens.size, dtype=np.int64), 0
        while length:
            if length & 1:
                result, covered = self._extend(result, covered, power), covered + reach
            length >>= 1
            if length:
                power, reach = self._extend(power, reach, power), 2 * reach
        return result

    def _extend(self, near, reach, far):
        """Classes by ``near`` (the last ``reach`` tokens) and ``far`` (those before them)."""
        # Where the near part reaches the start of the sentence, it tells all there is.
        before = np.where(self.within >= reach, np.roll(far, reach) + 1, 0)
        return pd.factorize(near * (before.max() + 1) + before)[0]


# -------------------------------------------------------------------------------------- models


class NGram:
    """The n-gram model of a corpus by maximum likelihood.

    Parameters
    ----------
    corpus : Corpus
    order : int >= 1
        n: the next token depends on the n − 1 tokens before it (start tokens before the first
        word). Order 1 draws every token by its frequency; an order above the longest sentence
        repeats whole sentences.
    """

    def __init__(self, corpus, order):
        if not isinstance(corpus, Corpus):
            raise TypeError(f"corpus must be a Corpus, got {type(corpus).__name__}")
        order = self.order = _checks.integer(order, "order", low=1)
        self.corpus = corpus
        padded = corpus._padded
        self._end = padded.end
        self._position = padded
        self._context = padded.contexts(order - 1)
        # Occurrences of each context: consecutive slots from first[context] on.
        slots = np.argsort(self._context, kind="stable")
        self._count = np.bincount(self._context)
        self._first = np.cumsum(self._count) - self._count
        self._token = padded.tokens[slots].astype(np.int32)
        self._next = np.roll(self._context, -1)[slots].astype(np.int32)

    def generate(self, *, rng, tokens=None, sentences=None, max_words=50, start="sentence"):
        """Draw sentences from the model.

        Parameters
        ----------
        rng : numpy.random.Generator
        tokens, sentences : int in [1, 10^9]
            How much to draw; exactly one of the two. With ``tokens``, sentence after sentence
            until there are at least so many words (the last sentence is kept whole).
        max_words : int >= 1 or None
            A sentence is cut after so many words. None: never.
        start : {"sentence", "uniform"}
            ``"sentence"``: from the start tokens, as the model says. ``"uniform"``: with n − 1
            words found at a uniformly drawn place within a sentence of the corpus, which are kept
            in addition to ``max_words``.

        Returns
        -------
        Corpus

        Raises
        ------
        TypeError, ValueError
            For wrong arguments; for a uniform start if no sentence has n − 1 words; for a number
            of tokens if the corpus has no word.
        """
        if (tokens is None) == (sentences is None):
            raise ValueError("give exactly one of tokens and sentences")
        start, max_words = _how(self.corpus, self.order, rng, start, max_words)
        words, lengths = [], []
        if sentences is not None:
            missing = _checks.integer(sentences, "sentences", low=1, high=_MAX_DRAWN)
            while missing > 0:
                self._append(min(missing, _BATCH), None, rng, max_words, start, words, lengths)
                missing -= lengths[-1].size
        else:
            _check_words(self.corpus)  # or it would never end
            missing = _checks.integer(tokens, "tokens", low=1, high=_MAX_DRAWN)
            typical = max(self.corpus.lengths.mean(), 1.0)
            while missing > 0:
                batch = min(1 + int(1.02 * missing / typical), _BATCH)
                self._append(batch, missing, rng, max_words, start, words, lengths)
                missing -= words[-1].size
                typical = max(lengths[-1].mean(), 1.0)
        return Corpus(np.concatenate(words), np.concatenate(lengths), self.corpus.vocabulary)

    def _append(self, batch, enough, rng, max_words, start, words, lengths):
        """Draw a batch; keep its sentences, in order, until there are enough words."""
        drawn, length = self._batch(batch, rng, max_words, start)
        if enough is not None:
            keep = np.searchsorted(np.cumsum(length), enough) + 1
            length = length[:keep]
            drawn = drawn[: length.sum()]
        words.append(drawn)
        lengths.append(length)

    def _batch(self, batch, rng, max_words, start):
        """Words and lengths of a batch of sentences, one step of all of them at a time."""
        steps = []  # (which sentences are still going on, their next words)
        alive = np.arange(batch)
        if start == "uniform":
            places = np.flatnonzero(self._position.within >= self.order - 1)
            place = places[rng.integers(places.size, size=batch)]
            for back in range(self.order - 1, 0, -1):
                steps.append((alive, self._position.tokens[place - back].astype(np.int32)))
            context = self._context[place]
        else:
            context = np.full(batch, self._context[0])
        given = len(steps)
        while alive.size and (max_words is None or len(steps) < given + max_words):
            # One of the occurrences of each context, uniformly (to the 53 bits of a double).
            slot = (rng.random(alive.size) * self._count[context]).astype(np.int64)
            slot += self._first[context]
            word = self._token[slot]
            goes_on = np.flatnonzero(word != self._end)
            alive = alive[goes_on]
            steps.append((alive, word[goes_on]))
            context = self._next[slot[goes_on]]
        length = np.zeros(batch, dtype=np.int64)
        for number, (which, _) in enumerate(steps, start=1):
            length[which] = number
        offset = np.cumsum(length) - length
        words = np.empty(length.sum(), dtype=np.int32)
        for number, (which, word) in enumerate(steps):
            words[offset[which] + number] = word
        return words, length


# ------------------------------------------------------------------------------------ the loop


def _how(corpus, order, rng, start, max_words):
    """The checked options of `NGram.generate` for a corpus and a model order."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}")
    start = _checks.choice(start, "start", _STARTS)
    longest = corpus.lengths.max()
    if start == "uniform" and order - 1 > longest:
        raise ValueError(f"order must be at most {longest + 1} for a uniform start: no sentence "
                         f"has {order - 1} words")
    if max_words is not None:
        max_words = _checks.integer(max_words, "max_words", low=1)
    return start, max_words


def _check_words(corpus):
    if corpus.size == 0:
        raise ValueError("tokens cannot be drawn: the corpus has no word; give sentences")


def iter_generations(
    corpus,
    order,
    *,
    generations,
    rng,
    start="sentence",
    size="tokens",
    joined=False,
    max_words=50,
):
    """Yield the corpora of generations 0, 1, ..., each drawn from the model of the one before.

    Parameters
    ----------
    corpus : Corpus
        Generation 0.
    order : int >= 1
    generations : int in [0, 10^8]
    rng : numpy.random.Generator
    start, max_words
        As in `NGram.generate`.
    size : {"tokens", "sentences"}
        Every generation has as many tokens as the corpus (or a few more, to the end of the last
        sentence), or as many sentences.
    joined : bool
        Whether the sentences of a generation are run together to a single one before the next
        model is fitted, as by a splitter that finds no capital letters.

    Yields
    ------
    Corpus

    Raises
    ------
    TypeError, ValueError
        For wrong arguments, as in `NGram.generate`, before any work.
    """
    if not isinstance(corpus, Corpus):
        raise TypeError(f"corpus must be a Corpus, got {type(corpus).__name__}")
    order = _checks.integer(order, "order", low=1)
    generations = _checks.integer(
        generations, "generations", low=0, high=schedules.MAX_GENERATIONS
    )
    size = _checks.choice(size, "size", _SIZES)
    start, max_words = _how(corpus, order, rng, start, max_words)
    _checks.flag(joined, "joined")
    if size == "tokens":
        _check_words(corpus)
    amount = corpus.size if size == "tokens" else corpus.lengths.size
    options = {size: amount, "start": start, "max_words": max_words}
    return _generations(corpus, order, generations, rng, joined, options)


def _generations(corpus, order, generations, rng, joined, options):
    current = corpus
    yield current
    for generation in range(generations):
        fitted = current.joined() if joined and generation else current
        current = NGram(fitted, order).generate(rng=rng, **options)
        yield current


def recursive_ngram(
    corpus,
    order,
    *,
    generations=10,
    replications=1,
    seed=None,
    start="sentence",
    size="tokens",
    joined=False,
    max_words=50,
    statistics=None,
):
    """Train an n-gram model on its own text, again and again, and measure every generation.

    Parameters
    ----------
    corpus, order, generations, start, size, joined, max_words
        As in `iter_generations`.
    replications : int in [1, 10^6]
        Independent runs from the same corpus.
    seed : int >= 0, numpy.random.SeedSequence or None
        Root of all randomness; each replication has a child of its own.
    statistics : sequence of str, optional
        Which of the variables below to measure (default: all).

    Returns
    -------
    xarray.Dataset
        Dimensions (replication, generation). ``words``: distinct words; ``bigrams``,
        ``trigrams``: distinct runs of two and three words within sentences; ``tokens`` and
        ``sentences``: size; ``distinct_sentences``; ``entropy``: of the word frequencies, and
        ``conditional_entropy``: of the next token given the context of the order, in bits. The
        attribute ``provenance`` says, as JSON, from what it was made.

    Raises
    ------
    TypeError, ValueError
        For wrong arguments, before any work.
    """
    replications = _checks.integer(replications, "replications", low=1, high=_MAX_RUNS)
    root = _seed_sequence(seed)
    root = np.random.SeedSequence(root.entropy, spawn_key=root.spawn_key)  # `spawn` changes it
    options = dict(generations=generations, start=start, size=size, joined=joined,
                   max_words=max_words)
    if statistics is None:
        statistics = tuple(_STATISTICS)
    elif not isinstance(statistics, (list, tuple)):
        raise TypeError(
            f"statistics must be a list or tuple of names, got {_checks.shown(statistics)}"
        )
    measures = {name: _STATISTICS[_checks.choice(name, "statistics", tuple(_STATISTICS))]
                for name in statistics}
    runs = [[{name: measure(text, order) for name, measure in measures.items()} for text in
             iter_generations(corpus, order, rng=np.random.default_rng(child), **options)]
            for child in root.spawn(replications)]
    dims = ("replication", "generation")
    provenance = options | {
        "order": order, "replications": replications, "entropy": str(root.entropy),
        "spawn_key": list(root.spawn_key), "corpus_sha256": _digest(corpus), **_versions(),
    }  # fmt: skip
    return xr.Dataset(
        {name: (dims, np.array([[row[name] for row in run] for run in runs]))
         for name in measures},
        coords={"replication": np.arange(replications),
                "generation": np.arange(generations + 1)},
        attrs={"provenance": json.dumps(provenance, default=int)},  # NumPy's integers
    )


_STATISTICS = {
    "words": lambda corpus, order: corpus.distinct_words(),
    "bigrams": lambda corpus, order: corpus.distinct_ngrams(2),
    "trigrams": lambda corpus, order: corpus.distinct_ngrams(3),
    "tokens": lambda corpus, order: corpus.size,
    "sentences": lambda corpus, order: corpus.lengths.size,
    "distinct_sentences": lambda corpus, order: corpus.distinct_sentences(),
    "entropy": lambda corpus, order: corpus.entropy(),
    "conditional_entropy": lambda corpus, order: corpus.conditional_entropy(order),
}


def _digest(corpus):
    text = "\n".join(corpus.sentences())
    return hashlib.sha256(text.encode()).hexdigest()


def _versions():
    return {"collapse": metadata.version("model-collapse-companion"),
            "numpy": np.__version__, "python": platform.python_version()}
