"""Chapters are executed once: a pool of processes, and a cache that a kill cannot spoil.

A result is a folder with executed.ipynb, figures/, data/, emitted/, execution.json and SHA256SUMS.
It grows in a temporary folder and is moved to its final name in one step when it is complete; what
has a final name is trusted when its files have their checksums.
"""

import hashlib
import json
import multiprocessing
import multiprocessing.connection
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import nbformat

from collapse.publishing import notebooks, provenance
from collapse.publishing.archive import below
from collapse.publishing.project import Project, explain, remove

KEEP = 3  # results kept per chapter, so that going back to an earlier state costs nothing
RECORD = "execution.json"  # of the execution behind a result
CHECKSUMS = "SHA256SUMS"  # of the other files of a result, as the program sha256sum writes them
PATIENCE = 1800  # seconds for one cell of a build, where a whole chapter should take 45
EXECUTION_TAGS = {"parameters", "raises-exception", "skip-execution"}
# Starts a kernel that ends with its worker. ipykernel sees to that itself once it is running, but
# takes for its worker whoever is its parent by then.
_KERNEL = """\
import os, runpy, threading, time
def watch():
    while os.getppid() == {parent}:
        time.sleep(0.5)
    os._exit(1)
threading.Thread(target=watch, daemon=True).start()
runpy.run_module("ipykernel_launcher", run_name="__main__")
"""
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Job:
    """One chapter to execute: everything that a worker process needs, in plain types."""

    name: str
    notebook: str  # nbformat JSON
    root: Path
    destination: Path
    scratch_parent: Path
    parameters: dict = field(default_factory=dict)
    key: str = ""
    science: str = ""
    patience: float | None = None  # seconds for one cell; None: no limit


@dataclass(frozen=True)
class Outcome:
    """What became of a chapter: `status` is "executed", "cached" or "failed"."""

    name: str
    status: str
    seconds: float
    folder: Path | None = None
    error: str = ""

    @property
    def line(self):
        took = "" if self.status == "cached" else f" in {self.seconds:.1f} s"
        return f"{self.name}  {self.status}{took}"


def science_hash(project):
    """Hash of everything that the numbers of every chapter depend on, besides its own code."""
    publishing = project.root / "collapse" / "publishing"
    files = [path for path in (project.root / "collapse").rglob("*.py")
             if publishing not in path.parents]
    files += [publishing / "page.py", project.root / "requirements.lock"]
    for data in (project.root / "collapse" / "data", project.book / "data"):
        files += data.rglob("*")
    return hash_files(project, files)


def hash_files(project, paths):
    """Hash of the names and contents of files, in any order, and of the environment."""
    entries = [[path.relative_to(project.root).as_posix(),
                hashlib.sha256(path.read_bytes()).hexdigest()]
               for path in sorted(paths) if path.is_file()]
    return _hash([provenance.environment(), entries])


def cache_key(notebook, science, parameters=None):
    """Name of a result: hash of code, parameters, science."""
    return _hash([code_hash(notebook), parameters or {}, science])


def code_hash(notebook):
    """Hash of code cells and the tags that change execution.

    Prose, captions and tags such as hide-input are not part of it.
    """
    return _hash([[cell.source, sorted(EXECUTION_TAGS.intersection(notebooks.tags(cell)))]
                  for cell in notebooks.code_cells(notebook)])


def _hash(content):
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def execute(project, pages, *, jobs=None, report):
    """Execute the chapters that have no result yet; call `report(outcome)` as each is done.

    The caller holds `project.locked()`. Returns the outcomes in the order of `pages`; one failing
    chapter does not stop the others.
    """
    for leftover in project.cache.glob(".tmp-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    science = science_hash(project)
    outcomes, missing = {}, []
    for page in pages:
        notebook = notebooks.read(page)
        key = cache_key(notebook, science)
        folder = project.cache / f"{page.slug}-{key[:32]}"
        if is_whole(folder):
            os.utime(folder)  # used now: `_prune` goes by the time of last use
            outcomes[page.name] = Outcome(page.name, "cached", 0.0, folder)
            report(outcomes[page.name])
            continue
        if os.path.lexists(folder):
            print(f"{page.name}: its stored result is damaged, so it is executed again",
                  file=sys.stderr)
            remove(folder)
        missing.append(Job(page.name, nbformat.writes(notebook), project.root, folder,
                           project.cache, key=key, science=science, patience=PATIENCE))
    for outcome in run_jobs(missing, jobs):
        outcomes[outcome.name] = outcome
        report(outcome)
    for page in pages:
        _prune(project.cache, page.slug)
    return [outcomes[page.name] for page in pages]


def run_jobs(jobs, workers=None):
    """Run jobs in parallel processes; yields an Outcome as each is done."""
    if not jobs:
        return
    workers = min(workers or os.cpu_count() or 1, len(jobs))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker) as pool:
        try:
            with _interrupts_held():  # the processes start now
                futures = {pool.submit(run_job, job): job for job in jobs}
            for future in as_completed(futures):
                if (error := future.exception()) is None:
                    yield future.result()
                else:
                    yield Outcome(futures[future].name, "failed", 0.0,
                                  error=f"{futures[future].name}: {_accident(error)}\n")
        except BaseException:  # GeneratorExit too: interrupted while the caller reports
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in multiprocessing.active_children():  # or leaving `with` waits for them
                worker.terminate()
            raise


def _accident(error):
    """What kept a chapter from being executed, and a way out, in one line."""
    if isinstance(error, BrokenProcessPool):
        return ("a process that executes chapters was ended from outside, perhaps because memory "
                "ran out; build again, with --jobs 1 if that happens again")
    return explain(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"


def run_job(job):
    """Execute one chapter in this process's own temporary folder, then move the result in place."""
    started = time.perf_counter()
    scratch = Path(tempfile.mkdtemp(prefix=f".tmp-{job.destination.name}-",
                                    dir=job.scratch_parent))
    result = scratch / "result"
    work = scratch / "run"
    for folder in (result, work):
        folder.mkdir()
    try:
        os.environ.update(_kernel_environment(job.root, scratch, result))
        os.environ.pop("PYTHONSTARTUP", None)
        os.chdir(work)
        executed, error = _run_notebook(job)
        if error:
            return Outcome(job.name, "failed", time.perf_counter() - started, error=error)
        seconds = time.perf_counter() - started
        # Whoever saved a source meanwhile would find, under the old key, numbers of the new code.
        if job.science and science_hash(Project(job.root)) != job.science:
            return Outcome(job.name, "failed", seconds,
                           error=f"{job.name}: the sources changed while it ran; build again\n")
        stamp = _stamp(job, seconds)
        executed.metadata["collapse"] = stamp
        nbformat.write(executed, result / "executed.ipynb")
        (result / RECORD).write_text(json.dumps(stamp) + "\n")
        (result / CHECKSUMS).write_text(_checksums(result), encoding="utf-8")
        os.replace(result, job.destination)
        return Outcome(job.name, "executed", seconds, job.destination)
    finally:
        os.chdir(job.root)
        shutil.rmtree(scratch, ignore_errors=True)


def is_whole(folder):
    """Whether a folder is a result with just the files that were written, none of them changed."""
    try:
        return (folder / CHECKSUMS).read_bytes() == _checksums(folder).encode()
    except (OSError, ValueError):  # ValueError: names that are no text
        return False


def _checksums(folder):
    files = below(folder)
    return "".join(f"{hashlib.sha256(files[name].read_bytes()).hexdigest()}  {name}\n"
                   for name in sorted(files.keys() - {CHECKSUMS}))


def emitted(folder):
    """The quantities of a result: name -> {"value", "se", "replications"}, as `emit` was told."""
    records = [json.loads(path.read_text()) for path in sorted(folder.glob("emitted/*.json"))]
    return {record["name"]: {field: record.get(field) for field in ("value", "se", "replications")}
            for record in records}


def seconds(folder):
    """How long it took to execute the chapter of a result."""
    return stamp(folder)["seconds"]


def stamp(folder):
    """The provenance of a result, see `provenance.stamp`."""
    return json.loads((folder / RECORD).read_text())


def _stamp(job, seconds):
    notebook = nbformat.reads(job.notebook, as_version=4)
    defaults = {name: parameter.default
                for name, parameter in notebooks.declared(notebook).items()}
    return provenance.stamp(chapter=job.name, key=job.key, code=code_hash(notebook),
                            parameters=defaults | job.parameters, seconds=seconds)


def _kernel_environment(root, scratch, output):
    """Environment variables under which every machine runs the same notebook the same way.

    The kernel is this interpreter, whatever kernels are installed; the package is the project's
    own; the user's Jupyter, IPython and matplotlib settings stay outside; one thread per process,
    because threads change the order of sums and chapters already run in parallel.
    """
    kernel = scratch / "jupyter" / "kernels" / "book"
    kernel.mkdir(parents=True)
    command = [sys.executable, "-c", _KERNEL.format(parent=os.getpid()), "-f", "{connection_file}",
               "--IPKernelApp.log_level=50"]  # it warns at each start, and of its own shutdown
    (kernel / "kernel.json").write_text(json.dumps(
        {"argv": command, "display_name": "book", "language": "python"}))
    inherited = os.environ.get("PYTHONPATH", "")
    environment = {
        "COLLAPSE_OUTPUT": output,
        "IPYTHONDIR": scratch / "ipython",
        "JUPYTER_CONFIG_DIR": scratch / "jupyter",
        "JUPYTER_PATH": scratch / "jupyter",
        "JUPYTER_RUNTIME_DIR": scratch / "runtime",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(root), inherited])),
        **{f"{library}_NUM_THREADS": "1" for library in ("MKL", "OMP", "OPENBLAS")},
        "VECLIB_MAXIMUM_THREADS": "1",
    }
    if matplotlib := find_spec("matplotlib"):
        environment["MATPLOTLIBRC"] = Path(matplotlib.origin).parent / "mpl-data" / "matplotlibrc"
    return {name: str(value) for name, value in environment.items()}


def _run_notebook(job):
    """Execute a job's notebook with papermill; returns it, executed, and the error text or ""."""
    import papermill
    from nbclient.exceptions import CellTimeoutError

    from collapse.publishing import engine

    source = nbformat.reads(job.notebook, as_version=4)
    Path("chapter.ipynb").write_text(job.notebook, encoding="utf-8")
    try:
        # Relative paths: papermill reads braces in a path as its own placeholders. The kernel is
        # killed at the end, with what it started: to ask it to end takes half a second.
        papermill.execute_notebook("chapter.ipynb", "executed.ipynb", parameters=job.parameters,
                                   kernel_name="book", language="python", progress_bar=False,
                                   start_timeout=120, execution_timeout=job.patience,
                                   shutdown_kernel="immediate", engine_name=engine.NAME,
                                   request_save_on_cell_execute=False, unfinished="executed.ipynb")
    except papermill.PapermillExecutionError:
        pass  # it also stops at cells tagged raises-exception, so we look for ourselves below
    except CellTimeoutError:
        return None, _failure(job.name, _last_started_cell("executed.ipynb"),
                              f"it had not ended after {job.patience:g} s, the limit of a build")
    except OSError:  # not the chapter's: a full disk
        raise
    except Exception as error:  # the kernel died, or could not start: still this chapter's failure
        return None, _failure(job.name, _last_started_cell("executed.ipynb"),
                              f"{type(error).__name__}: {error}")
    executed = nbformat.read("executed.ipynb", as_version=4)
    executed.cells = [cell for cell in executed.cells
                      if "papermill-error-cell-tag" not in notebooks.tags(cell)]
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error" and "raises-exception" not in notebooks.tags(cell):
                return None, _failure(job.name, cell, "\n".join(output.traceback))
        for times in ("papermill", "execution"):  # the same chapter gives the same bytes
            cell.metadata.pop(times, None)
    executed.metadata = source.metadata  # the name of the private kernel means nothing elsewhere
    return executed, ""


def _last_started_cell(path):
    """The cell that papermill started last, from the notebook it left behind, or None."""
    if not Path(path).is_file():
        return None
    started = [cell for cell in nbformat.read(path, as_version=4).cells
               if cell.metadata.get("papermill", {}).get("start_time")]
    return started[-1] if started else None


def _failure(name, cell, reason):
    """What a reader needs to see of a failing cell: chapter, source, error."""
    source = f"\n--- the cell\n{cell.source}\n--- its error" if cell is not None else ""
    return f"{name}: a cell failed{source}\n{reason}\n"


def plain(text):
    """`text` without terminal colours."""
    return _ANSI.sub("", text)


def _prune(cache, slug):
    """Remove all but the results of a chapter that were used last."""
    results = [path for path in cache.iterdir()
               if re.fullmatch(re.escape(slug) + "-[0-9a-f]{32}", path.name)]
    for old in sorted(results, key=lambda path: path.stat().st_mtime, reverse=True)[KEEP:]:
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _interrupts_held():
    """Ctrl-C is answered after the block; processes started in it do not hear it until they ask.

    They inherit the mask. It does not keep Ctrl-C from this process: other threads than this one,
    such as those of OpenBLAS, have no mask, and what any of them hears is answered in this one. In
    the middle of a start that would leave a process without the data that it waits for.
    """
    held = []
    handler = signal.signal(signal.SIGINT, lambda *_: held.append(True))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)
        if held:
            signal.raise_signal(signal.SIGINT)


def _start_worker():
    """End this worker when the process that started it ends, even when that one is killed.

    Its kernel watches it in the same way, so nothing of a killed build lives on. Ctrl-C is for the
    process that started it, which then ends it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    sentinel = multiprocessing.parent_process().sentinel

    def watch():
        multiprocessing.connection.wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
