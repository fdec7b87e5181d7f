"""A release: everything that an archive with a DOI should keep, in one folder, with checksums."""

import hashlib
import json
import platform
import re
from pathlib import Path

from collapse.publishing import provenance
from collapse.publishing.archive import below, zipped
from collapse.publishing.build import (
    build_pdf,
    check_ledger,
    has_pdf,
    is_current,
    is_replaceable,
    source_digest,
)
from collapse.publishing.project import (
    DISTRIBUTION,
    BuildError,
    UsageError,
    distribution_version,
    in_one_step,
)
from collapse.publishing.render import NOTEBOOKS
from collapse.publishing.results import RESULTS

MANIFEST = "MANIFEST.json"
_AS_THEY_ARE = ("CITATION.cff", "LICENSE", "LICENSE-TEXT", "README.md", "SECURITY.md",
                "requirements.lock", "book/ledger.yml")


def release(project, out, *, jobs=None):
    """Write the release to the folder `out`, all of it or nothing; returns the paths.

    Builds the pages and the PDF where they are not current. The same pages and PDF give the same
    bytes. Raises BuildError when a claim of the ledger falls short or a file is missing, and
    UsageError when `out` holds anything but an earlier release.
    """
    out = Path(out).resolve()
    if out.exists() and not is_replaceable(out, MANIFEST):
        raise UsageError(f"--out {out} exists and holds something else; choose another folder")
    if missing := [name for name in _AS_THEY_ARE if not (project.root / name).is_file()]:
        raise BuildError("a release needs " + ", ".join(missing))
    if not (is_current(project) and has_pdf(project)):
        build_pdf(project, jobs=jobs)
    check_ledger(project, jobs=jobs, report=lambda text: None)
    with in_one_step(out) as new:
        new.mkdir()
        with project.locked():
            if not (is_current(project) and has_pdf(project)):
                raise BuildError("the sources changed meanwhile; run the command again")
            for name, content in _contents(project).items():
                (new / name).write_bytes(content)
            manifest = _manifest(project, new)
        (new / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return sorted(out.iterdir())


def _contents(project):
    """The files of a release: name -> bytes."""
    files = {Path(name).name: (project.root / name).read_bytes() for name in _AS_THEY_ARE}
    files["html.zip"] = zipped(below(project.html))
    files["figures.zip"] = zipped(below(project.stage / "files"))
    files["notebooks.zip"] = (project.html / NOTEBOOKS).read_bytes()
    files[RESULTS] = (project.html / RESULTS).read_bytes()
    files["book.pdf"] = project.pdf.read_bytes()
    return files


def _manifest(project, folder):
    """What is in a release, byte by byte, and what it was made from and with."""
    files = {}
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        files[path.name] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    return {
        "name": DISTRIBUTION,
        "version": distribution_version(),
        "sources": source_digest(project),
        "python": platform.python_version(),
        "packages": _installed(project.root / "requirements.lock"),
        "files": files,
    }


def _installed(lock):
    """The versions of those packages of the lock that this machine has."""
    text = lock.read_text(encoding="utf-8")
    return provenance.installed(re.findall(r"^([A-Za-z0-9][\w.-]*)==", text, re.MULTILINE))
