"""N-gram models: against a slow twin with counters, in law; and what the theorems say of them."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collapse import datasets, language
from collapse.language import Corpus, NGram

TOY = """
the cat sat on the mat. the cat ate the rat. a dog sat on the cat and the mat.
the dog ate. a rat sat. the cat sat on the mat. go.
"""


def corpus_of(text, **options):
    return Corpus.from_text(text, **options)


@pytest.fixture(scope="module")
def toy():
    return corpus_of(TOY)


@pytest.fixture(scope="module")
def default():
    return corpus_of(datasets.load_text())


# ------------------------------------------------------------------------- the slow twin

START, END = "<start>", "<end>"


def twin_counts(sentences, order):
    """count(context, token) as the definition reads: contexts are tuples, padded at the start."""
    table = {}
    for sentence in sentences:
        padded = [START] * (order - 1) + sentence.split() + [END]
        for i in range(order - 1, len(padded)):
            table.setdefault(tuple(padded[i - order + 1 : i]), Counter())[padded[i]] += 1
    return table


def twin_ngrams(sentences, n):
    words = [sentence.split() for sentence in sentences]
    return {tuple(s[i : i + n]) for s in words for i in range(len(s) - n + 1)}


# ------------------------------------------------------------------------------ sentences


@pytest.mark.parametrize(("text", "rule", "expected"), [
    ("One. two! three? four\nfive 3.5 . six", "sentences",
     ["One.", "two!", "three?", "four", "five 3.5 .", "six"]),
    ('He said: "Go." Then left.', "sentences", ["He said: \"Go.", "Then left."]),
    ("A cat sat. The dog ran. it hid.\nThen all.", "published",
     ["A cat sat.", "The dog ran. it hid.\nThen all."]),
    ("By J. Smith. On TV. She. Who? Me . Yes", "published",
     ["By J.", "Smith.", "On TV. She.", "Who?", "Me .", "Yes"]),
    ("A. B.\nC", "none", ["A. B.\nC"]),
])  # fmt: skip
def test_sentences(text, rule, expected):
    assert language.split_sentences(text, rule=rule) == expected


@given(st.text("aAB.?!\" \n", max_size=40))
def test_the_published_rule_character_by_character(text):
    pieces, i = [""], 0
    while i < len(text):
        blanks = len(text[i:]) - len(text[i:].lstrip(" "))
        after = text[i + blanks : i + blanks + 1]
        before = text[:i]
        if (
            blanks and "A" <= after <= "Z" and len(before) >= 3 and before[-1] in ".?"
            and before[-2] != "\n" and not "A" <= before[-3] <= "Z"
        ):  # fmt: skip
            pieces.append("")
            i += blanks
        else:
            pieces[-1] += text[i]
            i += 1
    assert language.split_sentences(text, rule="published") == pieces


def test_a_corpus_has_the_words_of_the_text(toy):
    assert toy.size == toy.tokens.size == len(datasets.words(TOY))
    assert toy.sentences(2) == ["the cat sat on the mat", "the cat ate the rat"]
    assert " ".join(toy.sentences()).split() == datasets.words(TOY)
    assert toy.joined().sentences() == [" ".join(datasets.words(TOY))]
    counts = dict(zip(toy.vocabulary, toy.counts(), strict=True))
    assert counts == Counter(datasets.words(TOY))


def test_punctuation_is_counted_but_is_no_word():
    corpus = corpus_of("A cat, a hat . . .", punctuation=True, split="none")
    assert corpus.sentences() == ["a cat , a hat . . ."]
    assert corpus.size == 8 and corpus.distinct_words() == 3


# ------------------------------------------------------------------------------ statistics


@pytest.mark.parametrize("split", ["sentences", "published", "none"])
def test_statistics_against_counters(split):
    corpus = corpus_of(TOY, split=split)
    sentences = corpus.sentences()
    words = [word for sentence in sentences for word in sentence.split()]
    share = np.array(list(Counter(words).values())) / len(words)
    assert corpus.distinct_words() == len(set(words))
    assert corpus.distinct_sentences() == len(set(sentences))
    assert corpus.entropy() == pytest.approx(-(share * np.log2(share)).sum(), rel=1e-12)
    for n in (1, 2, 3, 5, 40):
        assert corpus.distinct_ngrams(n) == len(twin_ngrams(sentences, n)), n
    counts = {word: sum(word in s.split() for s in sentences) for word in corpus.vocabulary}
    assert corpus.sentence_counts().tolist() == list(counts.values())
    for order in (1, 2, 3, 8):
        rows = twin_counts(sentences, order).values()
        total = sum(row.total() for row in rows)
        bits = sum(-c * np.log2(c / row.total()) for row in rows for c in row.values()) / total
        assert corpus.conditional_entropy(order) == pytest.approx(bits, rel=1e-12, abs=1e-12)


@given(
    st.lists(st.lists(st.integers(0, 2), max_size=7), min_size=1, max_size=6),
    st.integers(1, 20),
)
def test_contexts_are_told_apart_exactly(sentences, order):
    tokens = [token for sentence in sentences for token in sentence]
    corpus = Corpus(tokens, [len(sentence) for sentence in sentences], "abc")
    contexts = []
    for sentence in sentences:
        padded = [None] * (order - 1) + sentence
        contexts += [tuple(padded[i : i + order - 1]) for i in range(len(sentence) + 1)]
    found = NGram(corpus, order)._context
    same = [[a == b for b in contexts] for a in contexts]
    assert np.array_equal(found[:, None] == found, same)


# -------------------------------------------------------------------------------- the model


@pytest.mark.parametrize("order", [1, 2, 3, 4, 8])
def test_next_tokens_have_their_maximum_likelihood_frequencies(toy, order, assert_proportion):
    # Every token of every sentence is one draw given its context, so the counts are binomial.
    table = twin_counts(toy.sentences(), order)
    text = NGram(toy, order).generate(rng=np.random.default_rng(order), sentences=30_000,
                                      max_words=None)
    drawn = twin_counts(text.sentences(), order)
    assert drawn.keys() <= table.keys()
    rows = [(row[token], row.total(), table[context][token] / table[context].total())
            for context, row in drawn.items() for token in table[context]]
    assert all(row.keys() <= table[context].keys() for context, row in drawn.items())
    assert_proportion(*map(np.array, zip(*rows, strict=True)))


def test_the_comparison_above_can_fail(toy, assert_proportion):
    # A model of order 2 that is compared with the frequencies of order 3.
    table = twin_counts(toy.sentences(), 3)
    text = NGram(toy, 2).generate(rng=np.random.default_rng(1), sentences=30_000, max_words=None)
    drawn = twin_counts(text.sentences(), 3)
    rows = [(row[token], row.total(), table[context][token] / table[context].total())
            for context, row in drawn.items() if context in table for token in table[context]]
    with pytest.raises(AssertionError, match="the tail is"):
        assert_proportion(*map(np.array, zip(*rows, strict=True)))


def test_sentences_start_as_sentences_do(toy, assert_proportion):
    text = NGram(toy, 3).generate(rng=np.random.default_rng(5), sentences=20_000)
    first = Counter(s.split()[0] for s in text.sentences())
    starts = Counter(s.split()[0] for s in toy.sentences())
    assert first.keys() == starts.keys()
    for word, count in starts.items():
        assert_proportion(first[word], 20_000, count / toy.lengths.size)


@pytest.mark.parametrize("order", [2, 3, 5])
def test_uniform_starts_are_runs_of_the_text(toy, order, assert_proportion):
    runs = Counter(tuple(s.split()[i : i + order - 1]) for s in toy.sentences()
                   for i in range(len(s.split()) - order + 2))
    text = NGram(toy, order).generate(rng=np.random.default_rng(6), sentences=20_000,
                                      start="uniform")
    first = Counter(tuple(s.split()[: order - 1]) for s in text.sentences())
    assert first.keys() <= runs.keys()
    for run, count in runs.items():
        assert_proportion(first[run], 20_000, count / runs.total())


@pytest.mark.parametrize("order", [1, 2, 8, 16])
def test_every_run_of_n_words_occurs_in_the_text(default, order):
    text = NGram(default, order).generate(rng=np.random.default_rng(2), tokens=default.size)
    for n in (1, 2, order):
        if n <= order:
            known = twin_ngrams(default.sentences(), n)
            assert twin_ngrams(text.sentences(), n) <= known
    if order == 2:  # and longer ones need not
        assert not twin_ngrams(text.sentences(), 3) <= twin_ngrams(default.sentences(), 3)


@pytest.mark.parametrize("start", ["sentence", "uniform"])
@pytest.mark.parametrize("tokens", [1, 37, 5000])
def test_enough_tokens_and_no_sentence_more(toy, tokens, start):
    text = NGram(toy, 2).generate(rng=np.random.default_rng(3), tokens=tokens, max_words=5,
                                  start=start)
    assert text.size >= tokens > text.size - text.lengths[-1]
    assert text.lengths.max() <= 5 + (start == "uniform")
    assert text.vocabulary is toy.vocabulary


def test_a_number_of_sentences(toy, monkeypatch):
    monkeypatch.setattr(language, "_BATCH", 7)  # several batches
    text = NGram(toy, 2).generate(rng=np.random.default_rng(3), sentences=100, max_words=None)
    assert text.lengths.size == 100 == len(text.sentences())
    assert text.lengths.max() > 5


def test_cut_sentences_are_the_beginnings_of_uncut_ones(toy):
    long = twin_counts(NGram(toy, 99).generate(rng=np.random.default_rng(1), sentences=500)
                       .sentences(), 99)
    assert long.keys() <= twin_counts(toy.sentences(), 99).keys()
    cut = NGram(toy, 99).generate(rng=np.random.default_rng(1), sentences=500, max_words=3)
    assert set(cut.sentences()) == {" ".join(s.split()[:3]) for s in toy.sentences()}


def test_batches_do_not_prefer_short_sentences(assert_within, monkeypatch):
    # Sentences that end early must not be taken first: mean length as with a fixed number.
    monkeypatch.setattr(language, "_BATCH", 64)
    corpus = corpus_of("a\na a a a a a a a a\n", split="sentences")
    model, rng = NGram(corpus, 20), np.random.default_rng(8)
    lengths = np.concatenate([model.generate(rng=rng, tokens=400).lengths[:40]
                              for _ in range(1000)])  # the first 40 are drawn whatever they are
    assert_within(lengths.mean(), 5.0, 4.0 / np.sqrt(lengths.size))


# ----------------------------------------------------------------------- theorems of the chapter


def visits(corpus):
    """Expected visits of each word in a sentence of the bigram model, by linear algebra."""
    size = len(corpus.vocabulary)
    table = twin_counts(corpus.sentences(), 2)
    number = {word: i for i, word in enumerate(corpus.vocabulary)}
    step, first = np.zeros((size, size)), np.zeros(size)
    for (word,), row in table.items():
        for token, count in row.items():
            if token == END:
                continue
            if word == START:
                first[number[token]] = count / row.total()
            else:
                step[number[word], number[token]] = count / row.total()
    return first, np.linalg.inv(np.eye(size) - step)


def test_the_mean_number_of_visits_is_the_count(toy):
    first, green = visits(toy)
    np.testing.assert_allclose(first @ green, toy.counts() / toy.lengths.size, rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 20])
def test_mean_counts_are_kept(toy, order, assert_within):
    model, rng, number = NGram(toy, order), np.random.default_rng(9), toy.lengths.size
    counts = np.array([model.generate(rng=rng, sentences=100 * number, max_words=None).counts()
                       for _ in range(200)]) / 100
    error = counts.std(axis=0, ddof=1) / np.sqrt(200)
    random = error > 0  # with long contexts some counts are certain
    assert_within(counts.mean(axis=0)[random], toy.counts()[random], error[random])
    np.testing.assert_allclose(counts.mean(axis=0)[~random], toy.counts()[~random])


def test_a_long_order_resamples_whole_sentences(default, assert_within):
    from collapse import laws

    number = default.lengths.size
    expected = laws.wright_fisher.survival(default.sentence_counts()[:, None] / number, number,
                                           np.array([1, 2])).sum(axis=0)
    run = language.recursive_ngram(default, 31, generations=2, replications=60, seed=4,
                                   size="sentences", max_words=None)
    found = run["words"].values[:, 1:]
    assert_within(found.mean(axis=0), expected, found.std(axis=0, ddof=1) / np.sqrt(60))
    types = np.array(list(Counter(default.sentences()).values()))
    expected = laws.wright_fisher.expected_distinct(np.array([1, 2]), counts=types)
    found = run["distinct_sentences"].values[:, 1:]
    assert_within(found.mean(axis=0), expected, found.std(axis=0, ddof=1) / np.sqrt(60))


def test_order_one_is_the_categorical_model(default, assert_within):
    from collapse import laws

    run = language.recursive_ngram(default, 1, generations=3, replications=60, seed=4)
    expected = laws.wright_fisher.expected_distinct(np.arange(1, 4), counts=default.counts())
    found = run["words"].values[:, 1:]
    # The last sentence is finished: about 13 tokens of 35 000 more, worth less than 0.1 words.
    assert_within(found.mean(axis=0), expected, found.std(axis=0, ddof=1) / np.sqrt(60) + 0.1)


def test_a_small_corpus_ends_in_one_sentence_without_a_repeated_word():
    corpus = corpus_of(TOY)
    text = [*language.iter_generations(corpus, 2, generations=400, rng=np.random.default_rng(3),
                                       size="sentences", max_words=None)][-1]
    (last,) = set(text.sentences())
    assert len(set(last.split())) == len(last.split())


def test_order_one_ends_in_empty_sentences():
    run = language.recursive_ngram(corpus_of("a b. c d. e f."), 1, generations=500, seed=1,
                                   size="sentences", max_words=None)
    last = {name: value.item() for name, value in run.isel(generation=-1).items()}
    assert last == {"words": 0, "bigrams": 0, "trigrams": 0, "tokens": 0, "sentences": 3,
                    "distinct_sentences": 1, "entropy": 0, "conditional_entropy": 0}
    # The theorem says "for ever", and no sign is left over from -0 log 0.
    assert not np.signbit(run["entropy"].values).any()


def test_a_corpus_without_words():
    empty = Corpus([], [0, 0], "ab")
    assert empty.size == empty.distinct_words() == empty.joined().size == 0
    assert empty.sentences() == ["", ""] and empty.distinct_sentences() == 1
    assert empty.counts().tolist() == empty.sentence_counts().tolist() == [0, 0]
    drawn = NGram(empty, 3).generate(rng=np.random.default_rng(1), sentences=5)
    assert drawn.lengths.tolist() == [0] * 5
    assert Corpus([0], [1], [""]).distinct_words() == 0


def test_a_joined_corpus_is_not_written_many_times_over(default, monkeypatch):
    sizes = []
    batch = NGram._batch

    def spy(self, *arguments):
        words, lengths = batch(self, *arguments)
        sizes.append(words.size)
        return words, lengths

    monkeypatch.setattr(NGram, "_batch", spy)
    text = default.joined()
    NGram(text, 8).generate(rng=np.random.default_rng(1), tokens=text.size, max_words=None)
    assert sum(sizes) < 4 * text.size


# ----------------------------------------------------------------------------------- the loop


def test_a_run_is_labelled_and_reproducible(toy):
    run = language.recursive_ngram(toy, 2, generations=4, replications=3, seed=1)
    assert run.sizes == {"replication": 3, "generation": 5}
    assert run.equals(language.recursive_ngram(toy, 2, generations=4, replications=3, seed=1))
    shorter = language.recursive_ngram(toy, 2, generations=2, replications=2, seed=1)
    assert shorter.equals(run.isel(replication=slice(2), generation=slice(3)))
    seeded = language.recursive_ngram(toy, 2, generations=4, replications=3,
                                      seed=np.random.SeedSequence(1))
    assert seeded.equals(run)
    assert np.unique(run["entropy"].isel(generation=1)).size == 3  # a stream for each replication
    some = language.recursive_ngram(toy, 2, generations=4, replications=3, seed=1,
                                    statistics=["entropy", "words"])
    assert some.equals(run[["entropy", "words"]])
    start = run.isel(generation=0)
    assert (start["words"] == toy.distinct_words()).all()
    assert (start["bigrams"] == toy.distinct_ngrams(2)).all()
    assert (np.diff(run["words"]) <= 0).all() and (np.diff(run["bigrams"]) <= 0).all()
    provenance = json.loads(run.attrs["provenance"])
    assert provenance["order"] == 2 and provenance["entropy"] == "1"


def test_joined_generations_are_fitted_as_one_sentence(toy):
    rng = np.random.default_rng(1)
    *_, last = language.iter_generations(toy, 2, generations=3, rng=rng, start="uniform",
                                         joined=True, max_words=4)
    # Only the end of the whole text can end a sentence early.
    assert (last.lengths == 5).mean() > 0.5
    # The first text has its sentences, whatever becomes of the others.
    first, other = (list(language.iter_generations(
        toy, 2, generations=1, rng=np.random.default_rng(1), joined=joined))[1]
        for joined in (True, False))
    assert first.sentences() == other.sentences()


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda c, r: NGram("text", 2), TypeError, "corpus must be a Corpus"),
    (lambda c, r: NGram(c, 0), ValueError, "order must be an integer >= 1"),
    (lambda c, r: NGram(c, 2.0), TypeError, "order must be an integer"),
    (lambda c, r: NGram(c, 2).generate(rng=1, tokens=3), TypeError, "rng must be"),
    (lambda c, r: NGram(c, 2).generate(rng=r), ValueError, "exactly one of tokens and sentences"),
    (lambda c, r: NGram(c, 2).generate(rng=r, tokens=1, sentences=1), ValueError, "exactly one"),
    (lambda c, r: NGram(c, 2).generate(rng=r, tokens=0), ValueError, "tokens must be"),
    (lambda c, r: NGram(c, 2).generate(rng=r, sentences=-1), ValueError, "sentences must be"),
    (lambda c, r: NGram(c, 2).generate(rng=r, tokens=1, max_words=0), ValueError, "max_words"),
    (lambda c, r: NGram(c, 2).generate(rng=r, tokens=1, start="end"), ValueError,
     "start must be one of 'sentence', 'uniform'"),
    (lambda c, r: NGram(c, 30).generate(rng=r, tokens=1, start="uniform"), ValueError,
     "order must be at most 10"),
    (lambda c, r: c.distinct_ngrams(0), ValueError, "n must be an integer >= 1"),
    (lambda c, r: c.conditional_entropy(0), ValueError, "order must be an integer >= 1"),
    (lambda c, r: Corpus([0, 1], [1], "ab"), ValueError, "lengths must .* add up"),
    (lambda c, r: Corpus([], [], "ab"), ValueError, "lengths must have at least one entry"),
    (lambda c, r: NGram(Corpus([], [0, 0], "ab"), 2).generate(rng=r, tokens=1), ValueError,
     "tokens cannot be drawn: the corpus has no word"),
    (lambda c, r: Corpus([0, 2], [2], "ab"), ValueError, "tokens must be integers in"),
    (lambda c, r: Corpus.from_text("..."), ValueError, "text must have at least one word"),
    (lambda c, r: Corpus.from_text(3), TypeError, "text must be a str"),
    (lambda c, r: Corpus.from_text("a b", split="lines"), ValueError, "split must be one of"),
    (lambda c, r: Corpus.from_text("a b", punctuation="no"), TypeError, "punctuation must be"),
    (lambda c, r: language.recursive_ngram(c, 2, generations=-1), ValueError, "generations"),
    (lambda c, r: language.recursive_ngram(c, 2, replications=0), ValueError, "replications"),
    (lambda c, r: language.recursive_ngram(c, 2, seed=-1), ValueError, "seed"),
    (lambda c, r: language.recursive_ngram(c, 2, size="words"), ValueError, "size must be one of"),
    (lambda c, r: language.recursive_ngram("text", 2), TypeError, "corpus must be a Corpus"),
    (lambda c, r: language.recursive_ngram(c, 2, start="end"), ValueError, "start must be one"),
    (lambda c, r: language.recursive_ngram(c, 2, joined=1), TypeError, "joined must be"),
    (lambda c, r: language.recursive_ngram(c, 0), ValueError, "order must be"),
    (lambda c, r: language.recursive_ngram(c, 2, statistics=["x"]), ValueError, "statistics must"),
    (lambda c, r: language.recursive_ngram(c, 2, statistics="words"), TypeError, "statistics must"),
])  # fmt: skip
def test_bad_arguments(toy, call, error, message):
    with pytest.raises(error, match=message):
        call(toy, np.random.default_rng(1))


@pytest.mark.parametrize(("options", "error", "message"), [
    ({"max_words": 0}, ValueError, "max_words"),
    ({"rng": 1}, TypeError, "rng must be a numpy.random.Generator"),
    ({"order": 30, "start": "uniform"}, ValueError, "order must be at most 10"),
    ({"corpus": Corpus([], [0], "ab")}, ValueError, "tokens cannot be drawn"),
])  # fmt: skip
def test_iterating_checks_its_arguments_when_called(toy, options, error, message):
    options = {"corpus": toy, "order": 2, "generations": 1,
               "rng": np.random.default_rng(1)} | options  # fmt: skip
    with pytest.raises(error, match=message):
        language.iter_generations(**options)
