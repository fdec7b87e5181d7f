"""The whole way from the sources to the pages, and single runs of one chapter."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from tqdm import tqdm

from collapse._files import write
from collapse.publishing import audit, execute, ledger, notebooks, prose, results
from collapse.publishing.project import (
    BuildError,
    UsageError,
    in_one_step,
    recover,
    swap,
)
from collapse.publishing.render import render
from collapse.publishing.stage import stage

PDF_LINE = "<!-- pdf -->"  # where the opening page offers the PDF when there is one
PDF_NAME = "model-collapse.pdf"
PROVENANCE = "provenance.json"  # beside the results of a run: how they were made
_SOURCES_CHANGED = "the sources changed meanwhile; run the command again"


def build(project, *, jobs=None, rendering=True):
    """Execute what is missing, render every page, evaluate the ledger.

    Raises BuildError when a number is typed in prose, a chapter fails, a page has errors, or the
    ledger falls short: a row is open, a check does not hold, or something is missing. In the last
    case the pages are there, so that one can look.
    """
    with project.locked():
        recover(project.html, _html_aside(project))  # after a kill amid `swap`
        prose.check(project.pages)
        digest = source_digest(project)
        rows = load_ledger(project)
        folders = _execute_all(project, jobs)
        quantities = _quantities(folders)
        manifest = results.make(project, folders, rows)
        if rendering:
            _digest_file(project).unlink(missing_ok=True)  # it vouches for the stage, too
            stage(project, folders, rows, quantities)
            html = render(project, rows)
            results.write(manifest, html / results.RESULTS)
            _offer_pdf(project, html, digest)
            _expect_unchanged(project, digest)
            swap(html, project.html, _html_aside(project))
        _demand(project, rows, quantities)
        if rendering:
            _digest_file(project).write_text(digest)


def build_pdf(project, *, jobs=None):
    """Print the book to `_build/book.pdf`, after a build where the pages are not current.

    Raises BuildError when the book is not right or does not fit on paper, UsageError without a
    browser; an earlier PDF stays then, but the pages offer only one of just their sources. Where
    it was made from these already, nothing is printed.
    """
    from collapse.publishing import pdf

    if not is_current(project):
        build(project, jobs=jobs)
    with project.locked():
        digest = source_digest(project)
        if not is_current(project):
            raise BuildError(_SOURCES_CHANGED)
        if has_pdf(project):
            return
        if not _pdf_is_of(project, digest):
            _pdf_digest_file(project).unlink(missing_ok=True)
            for left in project.build.glob(f".{project.pdf.name}.*.part"):  # by a killed process
                left.unlink()
            pdf.make(project)
            _expect_unchanged(project, digest)
            _pdf_digest_file(project).write_text(digest)
        _digest_file(project).unlink()  # until the pages are complete again
        _offer_pdf(project, project.html, digest)
        _digest_file(project).write_text(digest)


def has_pdf(project):
    """Whether `_build/book.pdf` was made from just these sources, and the pages offer it."""
    return ((project.html / PDF_NAME).is_file()
            and _pdf_is_of(project, source_digest(project)))


def _pdf_is_of(project, digest):
    return project.pdf.is_file() and _has_digest(_pdf_digest_file(project), digest)


def _offer_pdf(project, html, digest):
    """Put the PDF among the pages, and a link to it on the first, if it has the same sources."""
    if not _pdf_is_of(project, digest):
        return
    write(html / PDF_NAME, project.pdf.read_bytes())
    opening = html / f"{project.pages[0].name}.html"
    link = f'· <a href="../{PDF_NAME}">The whole book for printing (PDF)</a>'
    text = opening.read_text(encoding="utf-8").replace(PDF_LINE, link)
    write(opening, text.encode())


def check_ledger(project, *, jobs=None, report):
    """Evaluate the ledger, executing what has no result yet, and `report` it as text.

    Raises BuildError, after that, when the ledger falls short.
    """
    with project.locked():
        rows = load_ledger(project)
        quantities = _quantities(_execute_all(project, jobs))
        report(ledger.as_text(rows, ledger.evaluate(rows, quantities)))
        _demand(project, rows, quantities)


def _demand(project, rows, quantities):
    """Raise BuildError that lists every row that falls short and everything that is missing."""
    short = [*ledger.shortfalls(rows, ledger.evaluate(rows, quantities)),
             *audit.omissions(project, rows, quantities)]
    if short:
        raise BuildError("the ledger falls short:\n" + "\n".join(short))


def current_manifest(project, *, jobs=None):
    """The manifest of the current book, executing what has no result yet; see `results`."""
    with project.locked():
        return results.make(project, _execute_all(project, jobs), load_ledger(project))


def load_ledger(project):
    path = project.book / "ledger.yml"
    return ledger.load(path) if path.is_file() else []


def is_current(project):
    """Whether `_build/html` was made from just these sources by a build without complaint."""
    return project.html.is_dir() and _has_digest(_digest_file(project), source_digest(project))


def source_digest(project):
    """Hash of everything that the pages are made from; labels.txt is made from them.

    Hidden files are the business of editors.
    """
    files = [path for folder in ("book", "collapse") for path in (project.root / folder).rglob("*")
             if "__pycache__" not in path.parts and not path.name.startswith(".")
             and path != project.book / "labels.txt"]
    files += [project.root / name for name in ("_config.yml", "_toc.yml", "requirements.lock",
                                           "CITATION.cff")]
    return execute.hash_files(project, files)


def _expect_unchanged(project, digest):
    """Raise BuildError where the sources are no longer those with this digest."""
    if source_digest(project) != digest:
        raise BuildError(_SOURCES_CHANGED)


def run(project, page, parameters, out, *, figure=None):
    """Execute one chapter with other parameters; leave notebook, figures, data, provenance.

    `figure`: keep only the files of that figure. `out` appears in one step when everything is
    there; an earlier result of ours in its place is replaced, anything else is an error.
    """
    out = Path(out).resolve()
    if out.exists() and not is_replaceable(out, PROVENANCE):
        raise UsageError(f"--out {out} exists and holds something else; choose another folder")
    notebook = notebooks.read(page)
    if parameters:  # the checks of exercises are made for the parameters of the page
        for cell in notebooks.code_cells(notebook):
            if "check" in notebooks.tags(cell):
                cell.metadata.tags = [*notebooks.tags(cell), "raises-exception"]
    key = execute.cache_key(notebook, execute.science_hash(project), parameters)
    with in_one_step(out) as result:
        job = execute.Job(page.name, nbformat.writes(notebook), project.root,
                          result, result.parent, parameters, key)
        [outcome] = execute.run_jobs([job], 1)
        if outcome.status == "failed":
            raise BuildError(_for_terminal(outcome.error))
        _finish_run(project, page, outcome.folder, job, figure)


def is_replaceable(folder, record):
    """Whether a folder is empty, or holds what the file `record` in it lists and nothing else."""
    if not folder.is_dir():
        return False
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*")
               if not path.is_dir()}
    try:
        ours = json.loads((folder / record).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        ours = []
    return present <= {*ours, record} if ours else not present


def _finish_run(project, page, folder, job, figure):
    """Turn a result into what a reader wants to have: drop the rest, add the provenance."""
    quantities, stamp = execute.emitted(folder), execute.stamp(folder)
    shutil.rmtree(folder / "emitted", ignore_errors=True)
    for name in (execute.RECORD, execute.CHECKSUMS):
        (folder / name).unlink()
    if figure is None:
        (folder / "executed.ipynb").rename(folder / f"{Path(page.name).name}.ipynb")
    else:
        if not (folder / "figures" / f"{figure}.svg").is_file():
            raise BuildError(f"{page.name} does not show the figure {figure}")
        for path in [p for p in folder.rglob("*") if p.is_file() and p.stem != figure]:
            path.unlink()
        for path in [p for p in folder.iterdir() if p.is_dir() and not any(p.iterdir())]:
            path.rmdir()
    commit = subprocess.run(["git", "-C", str(project.root), "describe", "--always", "--dirty",
                             "--abbrev=40", "--exclude=*"], capture_output=True, text=True)
    provenance = {
        "chapter": page.name,
        "figure": figure,
        "parameters": job.parameters,
        "emitted": quantities,
        "files": sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")
                        if path.is_file()),
        "commit": commit.stdout.strip() or None,
        "stamp": stamp,
    }
    (folder / PROVENANCE).write_text(json.dumps(provenance, indent=2) + "\n")


def _execute_all(project, jobs):
    """Results of all chapters, by name, with a progress report; raises BuildError for failures."""
    pages = project.chapters
    waiting = [page.short for page in pages]
    bar = tqdm(total=len(pages), unit="chapter", disable=not sys.stderr.isatty(), leave=False)

    def report(outcome):
        bar.write(outcome.line)
        sys.stdout.flush()  # a build in a log file shows its progress, too
        waiting.remove(outcome.name.removeprefix("book/"))
        bar.set_postfix_str(", ".join(waiting))
        bar.update()

    with bar:
        bar.set_postfix_str(", ".join(waiting))
        outcomes = execute.execute(project, pages, jobs=jobs, report=report)
    if failed := [outcome.error for outcome in outcomes if outcome.status == "failed"]:
        raise BuildError(_for_terminal("\n".join(failed)))
    return {outcome.name: outcome.folder for outcome in outcomes}


def _quantities(folders):
    return ledger.collect({name: execute.emitted(folder) for name, folder in folders.items()})


def _for_terminal(text):
    return text if sys.stderr.isatty() else execute.plain(text)


def _html_aside(project):
    """Where the earlier pages wait for the moment in which new ones take their place."""
    return project.build / ".html-old"


def _digest_file(project):
    return project.build / "html.digest"


def _pdf_digest_file(project):
    return project.build / "book.pdf.digest"


def _has_digest(file, digest):
    return file.is_file() and file.read_bytes() == digest.encode()
