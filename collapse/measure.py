"""What was measured on WikiText-2, and the commands that measure it again.

    python -m collapse.measure counts TEXT --out FILE       # how many words occur how often
    python -m collapse.measure sentences TEXT --out FILE    # ... in how many sentences
    python -m collapse.measure ngrams TEXT --out FILE       # n-gram models trained on themselves

The files collapse/data/wikitext2_*.csv were made by them; `collapse.datasets` reads these. Nothing
in the package imports this module.
"""

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from collapse import _checks, _files, datasets, language

SEED = 20241222
"""Root of the randomness of the stored curves."""

# name: (how the text is cut into tokens and sentences, how generations are made, orders, runs)
SETTINGS = {
    "proper": ({}, {}, (1, 2, 8, 16), 5),
    "uniform start": ({}, {"start": "uniform"}, (2, 8, 16), 5),
    "joined": ({}, {"start": "uniform", "joined": True}, (2, 8, 16), 5),
    "published": (
        {"split": "published", "punctuation": True},
        {"start": "uniform", "joined": True},
        (2, 8, 16),
        5,
    ),
    "uncut": ({}, {"size": "sentences", "max_words": None}, (2, 105), 25),
}
"""The stored settings: as the model says, then one departure of the public script after the other
(uniform starts; sentences run together; its tokens and sentences of the first text), and
generations of as many uncut sentences as the text has. The last number is that of the runs; where
a theorem is compared with the curves there are more."""


def ngram_runs(text, *, settings=tuple(SETTINGS), orders=None, generations=10, replications=None,
               seed=SEED):
    """The rows of collapse/data/wikitext2_ngrams.csv.

    Every setting and order has a root of its own, so a part of the table is the same as in the
    whole; so are the first generations.

    Parameters
    ----------
    text : str
    settings : sequence of str
        Names in `SETTINGS`.
    orders : sequence of int, optional
        Which of the orders of each setting (default: all).
    replications : int >= 1, optional
        Runs of each setting (default: as many as `SETTINGS` says).
    generations, seed
        As in `collapse.language.recursive_ngram`; ``seed`` is an int.

    Returns
    -------
    pandas.DataFrame
        Columns setting, order, replication, generation, and those of
        `collapse.language.recursive_ngram`.

    Raises
    ------
    TypeError, ValueError
        For wrong arguments, and if no sentence of the text is long enough for an order with
        uniform starts; before any work.
    """
    seed = _checks.integer(seed, "seed", low=0, high=np.inf)
    if replications is not None:
        replications = _checks.integer(replications, "replications", low=1)
    calls = []
    for name in settings:
        name = _checks.choice(name, "settings", tuple(SETTINGS))
        reading, loop, available, runs = SETTINGS[name]
        corpus = language.Corpus.from_text(text, **reading)
        loop = {"generations": generations, **loop}
        for order in available if orders is None else [n for n in available if n in orders]:
            root = np.random.SeedSequence(seed, spawn_key=(list(SETTINGS).index(name), order))
            runs = runs if replications is None else replications
            # It checks its arguments when called, and works when iterated over.
            language.iter_generations(corpus, order, rng=np.random.default_rng(0), **loop)
            calls.append((name, corpus, order, {"replications": runs, "seed": root, **loop}))
    tables = []
    for name, corpus, order, options in calls:
        table = language.recursive_ngram(corpus, order, **options).to_dataframe().reset_index()
        table.insert(0, "order", order)
        table.insert(0, "setting", name)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _counts(text):
    tokens = datasets.words(text)
    table = datasets.count_spectrum(tokens)
    return table, (
        "# How many word types of a text occur how often.\n",
        "# tokens: lower case, non-word characters to blanks, split (collapse.datasets.words): "
        f"{len(tokens)} tokens, {table['types'].sum()} types\n",
    )


def _sentences(text):
    corpus = language.Corpus.from_text(text)
    inside = np.repeat(np.arange(len(corpus.vocabulary)), corpus.sentence_counts())
    table = datasets.count_spectrum(inside.tolist())
    return table, (
        "# How many word types of a text occur in how many of its sentences.\n",
        "# sentences: collapse.language.Corpus.from_text: "
        f"{corpus.lengths.size} sentences, {corpus.size} tokens, {table['types'].sum()} types\n",
    )


def _ngrams(text, **options):
    versions = ", ".join(f"{name} {version}" for name, version in language._versions().items())
    return ngram_runs(text, **options), (
        "# N-gram models by maximum likelihood, trained recursively on their own text.\n",
        f"# versions: {versions}\n"
        "# settings: collapse.measure.SETTINGS; columns: collapse.language.recursive_ngram\n",
    )


def main(arguments=None):
    """``python -m collapse.measure COMMAND TEXT --out FILE``: make a data file again."""
    parser = argparse.ArgumentParser(prog="python -m collapse.measure",
                                     description="Measure a text; write what came out as CSV.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, help in (("counts", "how many words occur how often"),
                       ("sentences", "how many words occur in how many sentences"),
                       ("ngrams", "n-gram models trained recursively on the text")):
        command = commands.add_parser(name, help=help, description=help)
        command.add_argument("text", help="'default', 'wikitext-2' or the path of a text file")
        command.add_argument("--out", required=True, metavar="FILE", type=Path,
                             help="the CSV file to write")
    command.add_argument("--generations", type=int, default=10)
    command.add_argument("--replications", type=int,
                         help="default: those of collapse.measure.SETTINGS")
    command.add_argument("--seed", type=int, default=SEED)
    given = vars(parser.parse_args(arguments))
    name, source, out = (given.pop(key) for key in ("command", "text", "out"))
    options = {key: value for key, value in given.items() if value is not None}
    try:
        if out.is_dir() or not out.parent.is_dir():
            raise OSError(f"--out must be the path of a file in an existing folder, got '{out}'")
        text = datasets.load_text(source)
        table, (title, details) = {"counts": _counts, "sentences": _sentences,
                                   "ngrams": _ngrams}[name](text, **options)
        call = " ".join([name, Path(source).name, *(f"--{k} {v}" for k, v in options.items())])
        head = f"{title}{_described(source, text)}# made by: python -m collapse.measure {call}\n"
        body = table.to_csv(index=False, lineterminator="\n", float_format="%.10g")
        _files.write(out, f"{head}{details}{body}".encode())
    except (OSError, ValueError) as error:
        print(f"collapse.measure: {error}", file=sys.stderr)
        return 2
    return 0


def _described(source, text):
    """Two comment lines: which text something was measured on."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    if digest == datasets._WIKITEXT2["sha256"]:
        commit = datasets._WIKITEXT2["url"].split("/")[-2]
        name = f"train_sampled.txt of github.com/berserank/rate-of-model-collapse at {commit}"
    else:
        name = Path(source).name
    return f"# text: {name}\n# sha256 of the text: {digest}\n"


if __name__ == "__main__":
    sys.exit(main())
