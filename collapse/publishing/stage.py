"""Staging: the tree that Jupyter Book renders, made fresh from the sources and the results."""

import re
import shutil
from importlib import metadata
from pathlib import Path, PurePosixPath

import nbformat
import yaml

from collapse.publishing import (
    api,
    citing,
    execute,
    explorers,
    finding,
    illustrations,
    ledger,
    mutants,
    notation,
    notebooks,
    provenance,
    teaching,
)
from collapse.publishing.project import BuildError

LEDGER_PAGE = "book/appendix/ledger"
LEDGER_LINE = "<!-- ledger -->"
NOTATION_LINE = "<!-- notation -->"
THEOREMS_LINE = "<!-- theorems -->"
FIGURES_LINE = "<!-- figures -->"
MATHJAX = "offline/mathjax"  # named in _config.yml (html_static_path, mathjax_path)
_TITLE_LINE = re.compile(r"^# .*$", re.MULTILINE)


def stage(project, results, rows, quantities):
    """Write the stage anew.

    `results` maps a chapter's name to the folder with its result, `rows` is the ledger,
    `quantities` everything that was emitted. Raises BuildError for a figure without a caption.
    """
    shutil.rmtree(project.stage, ignore_errors=True)
    project.stage.mkdir(parents=True)
    shutil.copy(project.root / "_toc.yml", project.stage)
    # Links such as [text](gaussian.md) need the file; the page itself is made from the notebook.
    config = project.config | {"exclude_patterns": [f"{page.name}.md" for page in project.chapters]}
    (project.stage / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    shutil.copytree(project.book, project.stage / "book",
                    ignore=shutil.ignore_patterns("*.md", "__pycache__", ".*"))
    _copy_mathjax(project.stage / MATHJAX)
    notebooks.write_clean(project, project.stage / "notebooks")
    rows_shown = rows if _has_ledger(project) else []
    symbols, citation = notation.load(project), citing.load(project)
    seconds = {name: execute.seconds(folder) for name, folder in results.items()}
    figures = []
    for page in project.pages:
        target = project.stage / f"{page.name}.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(page.path, target)
        if page.is_chapter:
            notebook, shown = _chapter(project.stage, page, results[page.name], rows_shown)
            figures += shown
            _add_download(notebook, page)
            closing = [notation.as_script(symbols, page), citing.block(page, citation),
                       provenance.block(execute.stamp(results[page.name]))]
            notebook.cells += [nbformat.v4.new_markdown_cell(text, id=f"closing-{number}")
                               for number, text in enumerate(closing) if text]
            prose = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
            texts = explorers.insert([cell.source for cell in prose], project.explorers, page.name)
            for cell, text in zip(prose, texts, strict=True):
                cell.source = text
            nbformat.write(notebook, target.with_suffix(".ipynb"))
    _fill_lists(project, {
        LEDGER_LINE: lambda link: ledger.as_myst(rows, quantities, seconds, link),
        illustrations.LINE: lambda link: illustrations.as_myst(
            illustrations.load(project), quantities),
        api.LINE: lambda link: api.Reference().as_myst(),
        mutants.LINE: lambda link: mutants.as_myst(mutants.load(project)),
        mutants.STATEMENTS_LINE: lambda link: mutants.statements(
            mutants.load(project), rows, ledger.evaluate(rows, quantities)),
        NOTATION_LINE: lambda link: notation.as_myst(project, symbols, link),
        THEOREMS_LINE: lambda link: finding.theorems(project, rows_shown),
        FIGURES_LINE: lambda link: finding.figures(project, rows_shown, figures),
        teaching.GRAPH_LINE: lambda link: teaching.graph(project),
        teaching.CHAPTERS_LINE: lambda link: teaching.table(project),
        teaching.GOALS_LINE: lambda link: teaching.goals(project),
    })


def _chapter(stage, page, result, rows):
    """The notebook to render, and its figures: today's text, the outputs of the result, links."""
    notebook = notebooks.read(page)
    executed = notebooks.code_cells(nbformat.read(result / "executed.ipynb", as_version=4))
    for cell, done in zip(notebooks.code_cells(notebook), executed, strict=True):
        cell.outputs, cell.execution_count = done.outputs, done.execution_count
    cells, figures = [], []
    for cell in notebook.cells:
        shown = [output.metadata["collapse"] for output in cell.get("outputs", [])
                 if "collapse" in output.get("metadata", {})]
        if len(shown) > 1:
            raise BuildError(f"{page.name}: one cell shows {len(shown)} figures "
                             f"({', '.join(item['figure'] for item in shown)}); use one cell each")
        if shown:
            around, figure = _figure(stage, page, result, cell, shown[0],
                                     {row["id"] for row in rows})
            cells += around
            figures.append(figure)
            continue
        if cell.cell_type == "markdown":
            cell.source = finding.link_boxes(cell.source, page.name, rows)
        cells.append(cell)
    notebook.cells = cells
    return notebook, figures


def _figure(stage, page, result, cell, shown, ledger_ids):
    """A cell that shows a figure, between its anchor and its line of links; and the figure."""
    id = shown["figure"]
    mystnb = cell.metadata.setdefault("mystnb", {})
    figure = mystnb.setdefault("figure", {})
    if not figure.get("caption"):
        raise BuildError(f"{page.name}: figure {id} has no caption; give its cell "
                         "mystnb: figure: caption:")
    figure.setdefault("name", f"fig-{id.lower()}")
    mystnb.setdefault("image", {})["alt"] = shown["alt"]

    anchor = f"cell-{id.lower()}"
    links = [f"{{ref}}`code <{anchor}>`"]
    files = [("SVG", f"figures/{id}.svg")]
    if shown["data"]:
        files.insert(0, ("data (CSV)", f"data/{id}.csv"))
    folder = PurePosixPath("files", page.slug)
    for words, path in files:
        target = folder / PurePosixPath(path).name
        (stage / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(result / path, stage / target)
        links.append(f"{{download}}`{words} </{target}>`")
    if id in ledger_ids:
        links.append(f"{{ref}}`ledger <{ledger.anchor(id)}>`")
    before = nbformat.v4.new_markdown_cell(f"({anchor})=", id=anchor)
    after = nbformat.v4.new_markdown_cell(
        "```{div} figure-links\n" + " · ".join(links) + "\n```", id=f"links-{id.lower()}")
    data = f"/{folder / id}.csv" if shown["data"] else None
    return [before, cell, after], finding.Figure(page, id, figure["name"], figure["caption"], data)


def _add_download(notebook, page):
    """Put the link to the clean notebook below the chapter's title."""
    link = f"Notebook: {{download}}`{Path(page.name).name}.ipynb </notebooks/{page.name}.ipynb>`"
    block = f"\n\n```{{div}} notebook-link\n{link}\n```\n"
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (title := _TITLE_LINE.search(cell.source)):
            cell.source = cell.source[:title.end()] + block + cell.source[title.end():]
            return
    raise BuildError(f"{page.name}: the chapter has no title (a line '# …')")


def _has_ledger(project):
    return any(page.name == LEDGER_PAGE for page in project.pages)


def _fill_lists(project, lists):
    """Put the lists of the appendix in place of the lines that stand for them.

    `lists` maps such a line to a function of `link`, which turns `page#anchor` into a link.
    Raises BuildError for a line that is there twice, and for a ledger page without its line.
    """
    titles = {other.name: other.title for other in project.pages}

    def linker(start):
        def link(target):
            name, mark = target.split("#")
            if name not in titles:
                raise BuildError(f"{target}: {name} is not in the table of contents")
            # Proofs and figures have different kinds of labels; the id in the HTML is common to
            # all. After rendering the build checks that it is there.
            return f'<a href="{_relative(name, start)}.html#{mark}">{titles[name]}</a>'
        return link

    for page in project.pages:
        if page.is_chapter:
            continue
        [text] = explorers.insert([page.text], project.explorers, page.name)
        for line, fill in lists.items():
            if text.count(line) > 1 or (page.name == LEDGER_PAGE and line == LEDGER_LINE
                                        and line not in text):
                raise BuildError(f"{page.name}: needs the line {line} once")
            if line in text:
                text = text.replace(line, fill(linker(PurePosixPath(page.name).parent)))
        (project.stage / f"{page.name}.md").write_text(text, encoding="utf-8")


def _relative(name, start):
    """`name` as seen from the folder `start`, both relative to the book's top."""
    ups = [".."] * len(start.parts)
    return "/".join([*ups, name])


def _copy_mathjax(target):
    """Copy the part of MathJax that pages need, 2 MB of 24, from its package.

    The TeX extensions are there because MathJax loads them when it meets a macro of theirs.
    """
    wanted = re.compile(r".*/mathjax/(tex-mml-chtml\.js|output/chtml/fonts/woff-v2/.*\.woff"
                        r"|input/tex/extensions/(?!all-packages).*\.js)")
    found = [path for path in metadata.files("sphinx-mathjax-offline") or []
             if wanted.fullmatch(path.as_posix())]
    if not found:
        raise BuildError("the package sphinx-mathjax-offline holds no MathJax; install the lock")
    for path in found:
        to = target / path.as_posix().split("/mathjax/", 1)[1]
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path.locate(), to)
