"""The command `collapse`."""

import argparse
import os
import sys
from pathlib import Path

from collapse.publishing.project import (
    BuildError,
    UsageError,
    distribution_version,
    explain,
    find_project,
)

_LONGEST = 2000  # characters of an error message


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message):
        raise UsageError(f"{message} (try {self.prog} --help)")


def main(argv=None):
    """Run the command; returns its exit code: 0 fine, 1 the book is not right, 2 wrong usage."""
    try:
        arguments = _parser().parse_args(argv)
        return arguments.command(find_project(), arguments) or 0
    except UsageError as error:
        print(f"collapse: {_one_line(str(error))}", file=sys.stderr)
        return 2
    except BuildError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"collapse: {explain(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("collapse: interrupted; what is finished is kept for the next time", file=sys.stderr)
        return 130


def _one_line(text):
    """`text` as it can be shown on a terminal: without control characters, and not too long."""
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."


def _parser():
    parser = _Parser(prog="collapse", description="The book on model collapse, from the terminal.")
    parser.add_argument("--version", action="version", version=f"collapse {distribution_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name, command, help):
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(command=command)
        return sub

    add("list", _list, "chapters, figures and theorems")
    run = add("run", _run, "execute a chapter, or the chapter of a figure, with your parameters")
    run.add_argument("chapter", nargs="?", metavar="CHAPTER", help="such as gaussian")
    run.add_argument("--figure", metavar="ID", help="such as P1-F-gauss: keep only its files")
    run.add_argument("-p", "--parameter", nargs=2, action="append", default=[],
                     metavar=("NAME", "VALUE"), help="give a parameter of the chapter a value")
    run.add_argument("--out", type=_folder, metavar="DIR", help="default: out/<chapter or figure>")
    build = add("build", _build, "execute what changed and render every page into _build/html")
    build.add_argument("--no-render", action="store_true", help="execute and check the ledger only")
    pdf = add("pdf", _pdf, "print the whole book to _build/book.pdf; needs Chromium")
    epub = add("epub", _epub, "write the book to _build/book.epub; needs Chromium")
    release = add("release", _release, "everything for an archive, with a list of checksums")
    release.add_argument("--out", type=_folder, metavar="DIR", help="default: dist")
    clean = add("notebooks", _notebooks, "write the chapters as clean notebooks")
    clean.add_argument("--out", type=_folder, required=True, metavar="DIR")
    course = add("course", _course, "write the chapters as a course: with and without solutions")
    course.add_argument("--out", type=_folder, required=True, metavar="DIR")
    slides = add("slides", _slides, "write slides, one file for each part; needs Chromium")
    slides.add_argument("--out", type=_folder, required=True, metavar="DIR")
    ledger = add("ledger", _ledger, "what is claimed, how it was checked, what came out")
    verify = add("verify", _verify, "compare numbers and figures with those that were published")
    verify.add_argument("manifest", type=Path, metavar="MANIFEST",
                        help="the results.json of a build or of a release, or its folder")
    verify.add_argument("--against", type=Path, metavar="DIR",
                        help="compare the results.json there; default: those of this book, "
                             "executed if need be")
    labels = add("labels", _labels, "compare the labels of the rendered pages with labels.txt")
    labels.add_argument("--write", action="store_true", help="add new ones to book/labels.txt")
    for sub in (build, pdf, epub, release, slides, ledger, verify):
        sub.add_argument("--jobs", type=_positive, metavar="N", help="processes (default: cores)")
    return parser


def _positive(text):
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be an integer of at least 1, got {text!r}")
    return int(text)


def _folder(text):
    """The path of a folder that is there or can be made."""
    problem = None
    try:
        text.encode()  # a name that cannot be printed is no use
        path = Path(text).resolve()
        nearest = next(p for p in (path, *path.parents) if p.exists())
        if not text or not nearest.is_dir():
            problem = f"{nearest} is a file" if text else "it is empty"
    except (OSError, ValueError) as error:  # too long, not allowed, a NUL in it, not UTF-8
        problem = getattr(error, "strerror", None) or "this is not a name of a folder"
    if problem:
        raise argparse.ArgumentTypeError(f"must be the path of a folder, got {text!r}: {problem}")
    return Path(text)


# The commands import what they need when they run, so that usage errors come at once.

def _list(project, _arguments):
    from collapse.publishing.build import load_ledger

    rows = load_ledger(project)
    print("Chapters")
    for page in project.chapters:
        minutes = page.front_matter.get("minutes")
        time = f" ({minutes} min)" if minutes else ""
        print(f"  {page.short}: {page.title}{time}")
    figures = [row for row in rows if row["kind"] == "figure"]
    claims = [row for row in rows if row["kind"] != "figure"]
    for heading, members, place in (("Figures", figures, "drawn"), ("Theorems", claims, "proved")):
        print(heading)
        for row in members:
            where = row[place].split("#")[0].removeprefix("book/") if place in row else "-"
            print(f"  {row['id']}  {row['kind']}, {row['status']}, {where}")


def _run(project, arguments):
    from collapse.publishing import build, ledger, notebooks

    if (arguments.chapter is None) == (arguments.figure is None):
        raise UsageError("give either a CHAPTER or --figure ID")
    if arguments.figure is None:
        page = project.chapter(arguments.chapter)
    else:
        chapters = ledger.figure_to_chapter(build.load_ledger(project))
        if arguments.figure not in chapters:
            known = ", ".join(chapters) or "none yet"
            raise UsageError(f"--figure {arguments.figure!r} is not drawn; choose one of: {known}")
        page = project.chapter(chapters[arguments.figure])
    values = notebooks.parse_parameters(page, arguments.parameter)
    out = arguments.out or project.root / "out" / (arguments.figure or page.short)
    build.run(project, page, values, out, figure=arguments.figure)
    print(out)


def _build(project, arguments):
    from collapse.publishing.build import build

    build(project, jobs=arguments.jobs, rendering=not arguments.no_render)
    if not arguments.no_render:
        print(project.html / "index.html")


def _pdf(project, arguments):
    from collapse.publishing.build import build_pdf

    build_pdf(project, jobs=arguments.jobs)
    print(project.pdf)


def _epub(project, arguments):
    from collapse.publishing import epub

    epub.make(project, jobs=arguments.jobs)
    print(project.epub)


def _release(project, arguments):
    from collapse.publishing.release import release

    for path in release(project, arguments.out or project.root / "dist", jobs=arguments.jobs):
        print(path)


def _notebooks(project, arguments):
    from collapse.publishing.notebooks import write_clean

    for path in write_clean(project, arguments.out):
        print(path)


def _course(project, arguments):
    from collapse.publishing import course

    course.write(project, arguments.out)
    print(arguments.out.resolve())


def _slides(project, arguments):
    from collapse.publishing import slides

    for path in slides.write(project, arguments.out, jobs=arguments.jobs):
        print(path)


def _ledger(project, arguments):
    from collapse.publishing.build import check_ledger

    check_ledger(project, jobs=arguments.jobs, report=print)


def _verify(project, arguments):
    from collapse.publishing import results, verify
    from collapse.publishing.build import current_manifest

    published = results.read(arguments.manifest)
    built = (results.read(arguments.against) if arguments.against else
             current_manifest(project, jobs=arguments.jobs))
    report = verify.compare(published, built)
    print(report.text)
    return 1 if report.problems else 0


def _labels(project, arguments):
    from collapse.publishing import labels
    from collapse.publishing.build import is_current

    if not project.html.is_dir():
        raise BuildError("there are no pages yet; run first: collapse build")
    if not is_current(project):
        raise BuildError("the pages are older than their sources; run first: collapse build")
    new, lost = labels.compare(project)
    if lost:
        raise BuildError("\n".join(lost))
    if arguments.write:
        labels.add(project, new)
        print(f"{len(new)} labels added to {project.book / 'labels.txt'}")
    elif new:
        raise BuildError("\n".join(new) + "\nnot listed yet; add them: collapse labels --write")
