"""The course edition: no solution in the student's hands, every solution in the teacher's."""

import ast
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import nbformat
import papermill
import pytest
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.preprocessors import CheckCellMetadata, ClearSolutions, LockCells

from collapse.publishing import course, notebooks, plain
from collapse.publishing.project import BuildError, Project

ROOT = Path(__file__).resolve().parents[2]
BOOK = Project(ROOT)
CHAPTERS = [page for page in BOOK.chapters if not page.short.startswith("appendix/")]
EXECUTED = ("rates/loop", "schedules/compute-against-utility")  # cheap; the others: slow tests
every_chapter = pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: page.slug)

HEADER = "---\nkernelspec: {name: python3, display_name: Python 3}\n---\n\n(c)=\n# Chapter\n\n"
SETUP = "```{code-cell} ipython3\n:tags: [parameters]\nn = 3\n```\n"
DERIVATION = """
```{exercise} Why?
:label: ex-why
:class: derivation
Show that $n > 2$, as {ref}`here <c>`.
```

````{solution} ex-why
:class: dropdown
Because it is three, which is more than two.
````
"""
COMPUTATION = """
```{exercise} How much?
:label: ex-much
:class: computation
Find the square of $n$.
```

````{solution} ex-much
It is nine, the product of three and three.
````

```{code-cell} ipython3
:tags: [hide-cell, solution]
# Define `square`: the square of `n`,
# as a number.
secret = n * n + 0
square = secret
```

```{code-cell} ipython3
:tags: [hide-cell, check]
assert square == sum(n for _ in range(n)), "add n to itself"
```
"""
LATER = "\n## Later\n\n```{code-cell} ipython3\nn + 1\n```\n"
TEXT = HEADER + SETUP + DERIVATION + COMPUTATION + LATER


@pytest.fixture
def chapter(tmp_path):
    """chapter(text): a page with that text, in a book of its own."""

    def make(text):
        (tmp_path / "book").mkdir(exist_ok=True)
        (tmp_path / "book/c.md").write_text(text)
        (tmp_path / "_toc.yml").write_text("root: book/c\n")
        return Project(tmp_path).pages[0]

    return make


def both(page, words=None):
    """The student's and the teacher's notebook."""
    words = words or plain.Plain(Project(page.path.parents[1]))
    return [course.edition(page, words, solved=solved) for solved in (False, True)]


def test_a_chapter_in_both_editions(chapter):
    page = chapter(TEXT)
    assert course.faults(page) == []
    student, teacher = both(page)
    for notebook in (student, teacher):
        nbformat.validate(notebook)
        MetadataValidator().validate_nb(notebook)
    assert [cell.id for cell in student.cells] == [
        "install", "cell-1", "cell-2", "ex-why", "ex-why-words", "ex-much", "ex-much-words",
        "ex-much-code-1", "ex-much-check-1", "cell-9", "cell-10"]
    assert [cell.id for cell in teacher.cells] == [cell.id for cell in student.cells]
    assert notebooks.tags(student.cells[2]) == ["parameters"]
    assert student.cells[3].source == (
        "### Exercise: Why?\n\n*derivation*\n\nShow that $n > 2$, as here.")
    assert student.cells[4].source == "YOUR ANSWER HERE"
    assert teacher.cells[4].source == (
        "**Solution.** Because it is three, which is more than two.")
    assert student.cells[7].source == ("# Define `square`: the square of `n`,\n# as a number.\n"
                                       "# YOUR CODE HERE\nraise NotImplementedError()")
    assert teacher.cells[7].source == (
        "# Define `square`: the square of `n`,\n# as a number.\n### BEGIN SOLUTION\n"
        "secret = n * n + 0\nsquare = secret\n### END SOLUTION")
    assert student.cells[8].source == teacher.cells[8].source
    points = [cell.metadata.nbgrader.get("points") for cell in student.cells
              if "nbgrader" in cell.metadata]
    assert points == [4, 1, None, 2]
    assert student.cells[8].metadata.editable is False


@pytest.mark.parametrize(("old", "new", "message"), [
    (":class: derivation\n", "", "ex-why: its class must be one of derivation, computation, "),
    (":class: derivation", ":class: derivation open", "got 'derivation open'"),
    (":label: ex-why\n", "", "an exercise: it has no label"),
    (":label: ex-why", ":label: ex-much", "ex-much: 2 exercises have this label"),
    ("````{solution} ex-why", "````{solution} ex-much", "ex-why: its solution must come right"),
    ("````{solution} ex-why", "Words.\n\n````{solution} ex-why", "ex-why: its solution must come"),
    ("````{solution} ex-why", "Words.\n\n````{solution} ex-why",
     "the solution of ex-why must come right after its exercise"),
    (DERIVATION, DERIVATION + "\n```{code-cell} ipython3\nn + 2\n```\n",
     "ex-why: a code cell with neither the tag solution nor check: n + 2"),
    (DERIVATION, "\n:::{note}" + DERIVATION + ":::\n", "{exercise} within other text"),
    (DERIVATION, "\n```{solution-start} ex-much\n```\n9\n\n```{solution-end}\n```\n",
     "{solution-start} within other text"),
    ("## Later\n\n```{code-cell} ipython3\n",
     "## Later\n\n```{code-cell} ipython3\n:tags: [solution]\n", "after no solution: n + 1"),
    ("[hide-cell, check]", "[hide-cell, solution]", "ex-much: a computation needs a cell tagged"),
    ("# Define `square`: the square of `n`,\n# as a number.\n", "", "start with a comment that"),
    ("secret = n * n + 0\nsquare = secret\n", "", "ex-much: an answer holds no code"),
    (', "add n to itself"', "", "without a message: square == sum("),
    ('"add n to itself"', '" "', "without a message"),
    ('assert square == sum(n for _ in range(n)), "add n to itself"', "square", "holds no assert"),
    ("assert square ==", "assert secret ==", "a check uses secret, which no instruction asks"),
    ("n + 1", "square + 1", "a later cell: uses square, which the answer to ex-much sets"),
    ("n + 1", "print([square for n in 'ab'])", "uses square"),
    ("n + 1", "def f():\n    return secret", "uses secret"),
    ("n + 1", "for square in [square]:\n    pass", "uses square"),
    ("n + 1", "%timeit secret\nsquare", "uses square"),
    ("secret = n * n + 0", "n = secret = 9", "a later cell: uses n, which the answer to ex-much"),
    (LATER, COMPUTATION.replace("much", "more").replace("secret = n * n", "other = secret"),
     "ex-more: uses secret, which the answer to ex-much sets"),
])
def test_faults_are_named(chapter, old, new, message):
    assert old in TEXT
    found = course.faults(chapter(TEXT.replace(old, new, 1)))
    assert any(message in line for line in found), found


@pytest.mark.parametrize("code", [
    "square = 1\nsquare", "import os as square\nsquare", "def square(): return square\nsquare()",
    "[square for square in 'ab']", "lambda square: square", "for square in 'ab':\n    square",
    "with open('x') as square:\n    square", "def f(square):\n    return square",
    "if n:\n    square = 1\n    square", "class square:\n    secret = 1\n    secret",
])  # fmt: skip
def test_names_that_a_cell_binds_itself_are_fine(chapter, code):
    assert course.faults(chapter(TEXT.replace("n + 1", code))) == []


# ---- nothing leaks

def secrets(page):
    """The lines of a chapter's solutions, as source and in plain Markdown, that say something.

    A line that occurs outside the solutions too, such as `n=n,`, gives nothing away.
    """
    words = plain.Plain(Project(page.path.parents[len(Path(page.name).parts) - 1]))
    hidden, public = [], []
    for piece in course.pieces(page):
        text = piece.content if isinstance(piece.content, str) else piece.content.source
        if piece.role == "answer":
            head, body = course._head(text)
            hidden.append(body)
            public.append(head)
        elif piece.role == "solution":
            hidden += [piece.content.body, words.convert(text, page)]
        else:
            public += [text] if piece.role in ("code", "check") else [
                text, words.convert(text, page)]
    public = "\n".join(public)
    lines = {line.strip() for text in hidden for line in text.split("\n")}
    return {line for line in lines if len(line) >= 12 and line not in public}


def strings(value):
    """Every string in a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings(key)
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def leaks(page, notebook):
    everything = "\n".join(strings(json.loads(nbformat.writes(notebook))))
    return sorted(line for line in secrets(page) if line in everything)


@pytest.fixture(scope="module")
def words():
    return plain.Plain(BOOK)


@every_chapter
def test_nothing_of_a_solution_is_in_the_students_notebook(page, words):
    student, teacher = both(page, words)
    assert leaks(page, student) == []
    assert leaks(page, teacher)  # the search finds what is there
    assert all(not cell.get("outputs") and "attachments" not in cell for cell in student.cells)


@pytest.mark.parametrize("place", ["metadata", "source"])
def test_a_leak_is_found(chapter, place):
    page = chapter(TEXT)
    student, _ = both(page)
    if place == "source":
        student.cells[1].source += "\nsecret = n * n + 0"
    else:
        student.cells[7].metadata["note"] = {"note": ["as secret = n * n + 0 says"]}
    assert leaks(page, student) == ["secret = n * n + 0"]


# ---- the teacher's notebook is the chapter, and nbgrader makes the student's from it

@every_chapter
def test_the_teachers_code_is_the_chapters_cell_by_cell(page, words):
    """The build executes the chapter, checks and all; so the teacher's notebook passes them."""
    student, teacher = both(page, words)
    original = [cell for cell in notebooks.read(page).cells if cell.cell_type == "code"]
    assert [cell.source for cell in original] == [
        "\n".join(line for line in cell.source.split("\n")
                  if line not in ("### BEGIN SOLUTION", "### END SOLUTION"))
        for cell in teacher.cells[1:] if cell.cell_type == "code"]
    gaps = ["raise NotImplementedError()" in cell.source
            for cell in student.cells[1:] if cell.cell_type == "code"]
    assert gaps == ["solution" in notebooks.tags(cell) for cell in original]


def released(notebook):
    """What nbgrader's own preprocessors make of a source notebook."""
    resources = {}
    for preprocessor in (LockCells(), ClearSolutions(), CheckCellMetadata()):
        notebook, resources = preprocessor.preprocess(notebook, resources)
    return notebook


@every_chapter
def test_nbgrader_makes_the_same_student_notebook(page, words):
    student, teacher = both(page, words)
    for notebook in (student, teacher):
        nbformat.validate(notebook)
        MetadataValidator().validate_nb(notebook)
    assert released(teacher) == student


def run(notebook, folder):
    """Execute a notebook with this package; the error that stopped it, or None."""
    nbformat.write(notebook, folder / "in.ipynb")
    try:
        papermill.execute_notebook(folder / "in.ipynb", folder / "out.ipynb", progress_bar=False,
                                   cwd=folder)
    except papermill.PapermillExecutionError as error:
        return error
    return None


def executes(page, words, folder, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    student, teacher = both(page, words)
    assert run(teacher, folder) is None
    error = run(student, folder)
    assert error.ename == "NotImplementedError"
    first = next(cell for cell in student.cells if "raise NotImplementedError" in cell.source)
    assert error.source == first.source


@pytest.mark.parametrize("name", EXECUTED)
def test_both_notebooks_run(name, words, tmp_path, monkeypatch):
    executes(BOOK.chapter(name), words, tmp_path, monkeypatch)


@pytest.mark.slow
@every_chapter
def test_both_notebooks_run_everywhere(page, words, tmp_path, monkeypatch):
    executes(page, words, tmp_path, monkeypatch)


# ---- the exercises of the book

@every_chapter
def test_the_exercises_keep_the_conventions(page):
    assert course.faults(page) == []


@every_chapter
def test_every_chapter_has_exercises_of_every_kind(page):
    kinds = Counter(piece.content.options["class"] for piece in course.pieces(page)
                    if piece.role == "exercise")
    assert 5 <= kinds.total() <= 8
    assert kinds.keys() == course.POINTS.keys()
    assert kinds["open"] <= 2


def test_labels_are_unique_in_the_book():
    labels = [piece.exercise for page in CHAPTERS for piece in course.pieces(page)
              if piece.role == "exercise"]
    assert len(labels) == len(set(labels))


# ---- the command

def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


def test_the_command_writes_everything_and_the_same_again(fresh, tmp_path):
    out = tmp_path / "made/course"
    code, printed, error = fresh.collapse("course", "--out", out)
    assert (code, printed, error) == (0, f"{out}\n", "")
    first = files(out)
    assert {name for name in first if not name.startswith("package/")} == {
        "README.md", "course.zip", "student.zip", "nbgrader_config.py", "requirements.lock",
        "student/README.md", "student/rates/gaussian.ipynb", "instructor/rates/gaussian.ipynb",
    }  # loop has no exercises
    assert "package/collapse/__init__.py" in first
    assert unzipped(first["course.zip"]) == {
        name: text for name, text in first.items() if name != "course.zip"}
    assert "| The Gaussian (`rates/gaussian`) | 10 min | 1 | 3 |" in first["README.md"].decode()
    assert "nbgrader generate_assignment rates" in first["README.md"].decode()

    shutil.rmtree(fresh.root / "out", ignore_errors=True)
    assert fresh.collapse("course", "--out", out)[0] == 0  # an edition as we left it is replaced
    assert files(out) == first
    assert [path.name for path in out.parent.iterdir()] == ["course"]


def unzipped(content):
    """The files of a zip: name -> bytes."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_zip_for_students_has_all_they_need_and_no_solution(fresh, tmp_path):
    assert fresh.collapse("course", "--out", tmp_path / "c")[0] == 0
    course_files = files(tmp_path / "c")
    given = unzipped(course_files["student.zip"])
    assert given == {name.removeprefix("student/"): content
                     for name, content in course_files.items()
                     if name == "requirements.lock" or name.startswith(("student/", "package/"))}
    readme = given["README.md"].decode()
    assert "`rates/gaussian`" in readme and "./package" in readme
    assert not re.search("instructor|teacher|course.zip|nbgrader", readme)

    found = secrets(fresh.project.chapter("gaussian"))
    assert found == {"rest = decay(2, steps)", "Half of it goes in every step: $2^{-k}$.",
                     "**Solution.** Half of it goes in every step: $2^{-k}$."}
    assert telling(given, found) == []
    assert telling(course_files, found) == ["instructor/rates/gaussian.ipynb"]


def telling(contents, lines):
    """The names of the text files in which one of the lines stands."""
    return [name for name, content in contents.items() if not name.endswith(".zip")
            if any(line in content.decode() for line in lines)]


@pytest.mark.parametrize("change", ["edit", "add", "no zip", "bad zip"])
def test_a_changed_edition_is_kept(fresh, tmp_path, change):
    out = tmp_path / "c"
    assert fresh.collapse("course", "--out", out)[0] == 0
    if change == "edit":
        (out / "README.md").write_text("My notes")
    elif change == "add":
        (out / "notes.txt").write_text("Mine")
    elif change == "no zip":
        (out / "course.zip").unlink()
    else:
        (out / "course.zip").write_text("no zip")
    before = files(out)
    code, _, error = fresh.collapse("course", "--out", out)
    assert code == 2 and "exists and holds something else" in error and error.count("\n") == 1
    assert files(out) == before


def test_faults_of_a_chapter_leave_nothing(fresh, tmp_path):
    fresh.edit("book/rates/gaussian.md", ":class: computation\n", "")
    code, out, error = fresh.collapse("course", "--out", tmp_path / "made/c")
    assert code == 1 and out == ""
    assert "book/rates/gaussian: ex-mini: its class must be one of" in error
    assert not (tmp_path / "made").exists()


def test_a_book_without_exercises_has_no_course(fresh, tmp_path):
    path = fresh.root / "book/rates/gaussian.md"
    path.write_text(path.read_text().split("```{exercise}")[0])
    with pytest.raises(BuildError, match="no chapter has exercises"):
        course.write(fresh.project, tmp_path / "c")


def test_out_is_required(fresh):
    code, _, error = fresh.collapse("course")
    assert code == 2 and "--out" in error


def test_nbgrader_releases_the_edition_as_it_is(fresh, tmp_path, monkeypatch):
    """The command in the README, on the mini book; nbgrader is configured by the file in there."""
    from nbgrader.apps import NbGraderApp

    out = tmp_path / "c"
    assert fresh.collapse("course", "--out", out)[0] == 0
    monkeypatch.chdir(out)
    monkeypatch.setenv("HOME", str(tmp_path))
    NbGraderApp.launch_instance(["generate_assignment", "rates", "--no-db"])
    made = nbformat.read(out / "release/rates/gaussian.ipynb", as_version=4)
    given = nbformat.read(out / "student/rates/gaussian.ipynb", as_version=4)
    assert [cell.source for cell in made.cells] == [cell.source for cell in given.cells]


@pytest.mark.slow
def test_nbgrader_grades_what_students_hand_in(fresh, tmp_path, monkeypatch):
    """The way of the README to its end: one student is right, one is wrong, one left the gap."""
    from nbgrader.api import Gradebook

    out = tmp_path / "c"
    assert fresh.collapse("course", "--out", out)[0] == 0
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(fresh.root))
    # As in an activated environment: nbgrader, too, calls a program of it by its name.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    for name, line in (("right", "rest = decay(2, steps)"), ("wrong", "rest = steps"),
                       ("empty", "raise NotImplementedError()")):
        notebook = nbformat.read(out / "student/rates/gaussian.ipynb", as_version=4)
        [gap] = [cell for cell in notebook.cells if "NotImplementedError" in cell.source]
        gap.source = gap.source.replace("raise NotImplementedError()", line)
        path = out / f"submitted/{name}/rates/gaussian.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    for step in ("generate_assignment", "autograde", "generate_feedback"):
        done = subprocess.run(["nbgrader", step, "rates"], cwd=out, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    with Gradebook(f"sqlite:///{out / 'gradebook.db'}") as gradebook:
        scores = {name: gradebook.find_submission("rates", name).score
                  for name in ("right", "wrong", "empty")}
        assert gradebook.find_assignment("rates").max_score == 3
    assert scores == {"right": 2, "wrong": 0, "empty": 0}
    feedback = (out / "feedback/wrong/rates/gaussian.html").read_text()
    assert "which share is lost in a step?" in feedback


def test_nothing_imports_nbgrader():
    """The notebooks must run without it; the package must build them without it."""
    for path in (ROOT / "collapse").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in getattr(node, "names", [])
                     if isinstance(node, (ast.Import, ast.ImportFrom))]
            names.append(getattr(node, "module", None) or "")
            assert not any(re.match(r"nbgrader\b", name) for name in names), path
