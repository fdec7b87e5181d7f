"""The commands behind the data files: each makes its file again, and fails in one line."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from collapse import _files, datasets, measure

ROOT = Path(__file__).parents[1]

TEXT = "The cat sat on the mat. The cat ate the rat.\n" * 3 + "It said" + " go" * 120


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return path


def rows(path):
    return [line for line in path.read_text().splitlines() if not line.startswith("#")]


# ------------------------------------------------------------------------------- stored curves


def test_the_stored_curves_are_complete():
    table = datasets.wikitext2_ngrams()
    found = table.groupby(["setting", "order"])["replication"].nunique()
    expected = {(name, order): runs for name, (_, _, orders, runs) in measure.SETTINGS.items()
                for order in orders}
    assert found.to_dict() == expected
    assert (table.groupby(["setting", "order", "replication"]).size() == 11).all()
    start = table[table["generation"] == 0]
    assert (start["words"] == 19_919).all()
    assert start["words"].iloc[0] == datasets.wikitext2_counts().size
    assert (table.groupby(["setting", "order", "replication"])["words"].diff().dropna() <= 0).all()


def test_the_stored_curves_are_made_again_from_the_text(wikitext):
    made = measure.ngram_runs(wikitext, settings=["proper", "published"], orders=[2],
                              generations=1, replications=1)
    stored = datasets.wikitext2_ngrams().merge(made.iloc[:, :4])
    assert len(stored) == 4
    # Another NumPy may draw other numbers from the same seed; then only the law is the same.
    head = (ROOT / "collapse/data/wikitext2_ngrams.csv").read_text(encoding="utf-8")[:1000]
    same = f"numpy {np.__version__}," in head
    columns = list(made) if same else list(made)[4:]
    pd.testing.assert_frame_equal(stored[columns], made[columns], rtol=1e-9 if same else 0.05,
                                  check_dtype=False)


def test_the_comparison_with_the_script_is_made_again_from_the_text(wikitext, assert_within):
    stored = datasets.wikitext2_script().set_index("generation")
    made = measure.ngram_runs(wikitext[:260_000], settings=["published"], orders=[2],
                              generations=1, replications=10)
    words = made[made["generation"] == 1]["words"]
    start = set(re.findall(r"\b\w+\b", wikitext[:260_000].lower()))
    assert stored.loc[0, "script"] == stored.loc[0, "ours_mean"] == len(start)
    head = (ROOT / "collapse/data/wikitext2_script.csv").read_text(encoding="utf-8")
    assert f"replications={stored.loc[1, 'ours_runs']}" in head
    assert "a172c4d50ec32f0c54bf8a8fa8bd7fc8774720f4" in head
    mean, sd, runs = stored.loc[1, ["ours_mean", "ours_sd", "ours_runs"]]
    assert_within(words.mean(), mean, sd * (1 / len(words) + 1 / runs) ** 0.5)


@pytest.mark.parametrize("name", ["counts", "sentences"])
def test_the_stored_spectra_are_made_again_from_the_text(wikitext, tmp_path, name):
    path = tmp_path / "wikitext2_train_sampled.txt"
    path.write_text(wikitext, encoding="utf-8", newline="\n")
    assert measure.main([name, str(path), "--out", str(tmp_path / "out.csv")]) == 0
    stored = ROOT / "collapse/data" / {"counts": "wikitext2_counts.csv",
                                       "sentences": "wikitext2_sentence_counts.csv"}[name]
    assert (tmp_path / "out.csv").read_bytes() == stored.read_bytes()


# --------------------------------------------------------------------------------- the commands


@pytest.mark.parametrize(("name", "expected"), [
    ("counts", ["count,types", "2,1", "3,2"]),
    ("sentences", ["count,types", "1,1", "2,2"]),
])  # fmt: skip
def test_a_spectrum(tmp_path, name, expected):
    path, out = tmp_path / "text.txt", tmp_path / "out.csv"
    path.write_text("One two two, three THREE three! Two, one.")
    assert measure.main([name, str(path), "--out", str(out)]) == 0
    assert rows(out) == expected
    assert hashlib.sha256(path.read_bytes()).hexdigest() in out.read_text()
    assert str(tmp_path) not in out.read_text()


def test_curves(text, tmp_path):
    out = tmp_path / "out.csv"
    arguments = ["--out", str(out), "--generations", "1", "--replications", "2"]
    assert measure.main(["ngrams", str(text), *arguments]) == 0
    table = pd.read_csv(out, comment="#")
    assert list(table) == list(datasets.wikitext2_ngrams())
    assert len(table) == 2 * 2 * sum(len(orders) for _, _, orders, _ in measure.SETTINGS.values())
    assert str(tmp_path) not in out.read_text()
    made = measure.ngram_runs(TEXT, settings=["uncut"], generations=1, replications=2)
    pd.testing.assert_frame_equal(table[table["setting"] == "uncut"].reset_index(drop=True), made,
                                  rtol=1e-9, check_dtype=False)


@pytest.mark.parametrize(("arguments", "message"), [
    (["counts", "none.txt", "--out", "out.csv"], "source must be"),
    (["counts", "text.txt", "--out", "none/out.csv"], "--out must be the path of a file in an exi"),
    (["counts", "text.txt", "--out", "."], "--out must be the path of a file in an existing"),
    (["ngrams", "short.txt", "--out", "out.csv"], "order must be at most 4 for a uniform start"),
    (["ngrams", "text.txt", "--out", "out.csv", "--generations", "-1"], "generations must be"),
    (["ngrams", "text.txt", "--out", "out.csv", "--replications", "0"], "replications must be"),
    (["ngrams", "text.txt", "--out", "out.csv", "--seed", "-1"], "seed must be"),
])  # fmt: skip
def test_what_is_wrong_is_said_in_one_line_before_any_work(text, tmp_path, monkeypatch, capsys,
                                                           arguments, message):
    monkeypatch.chdir(tmp_path)
    Path("short.txt").write_text("Only three words. Or two.")
    monkeypatch.setattr(measure.language.NGram, "generate", lambda *_, **__: pytest.fail("work"))
    before = sorted(tmp_path.iterdir())
    assert measure.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"collapse.measure: {message}") and error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_a_file_is_whole_or_as_it_was(text, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out.csv"
    out.write_text("old")
    before = sorted(tmp_path.iterdir())

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_files.os, "fsync", full)
    assert measure.main(["counts", str(text), "--out", str(out)]) == 2
    assert "No space left" in capsys.readouterr().err
    assert out.read_text() == "old" and sorted(tmp_path.iterdir()) == before


def test_the_module_runs_without_a_word(text, tmp_path):
    command = [sys.executable, "-W", "error", "-m", "collapse.measure", "counts", str(text),
               "--out", str(tmp_path / "out.csv")]  # fmt: skip
    answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    assert (answer.stdout, answer.stderr) == ("", "")
