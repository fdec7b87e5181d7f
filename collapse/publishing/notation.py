"""The symbols of the book: their index, and what a chapter says when one points at a symbol.

`book/notation.yml` is a list of entries with these fields:

    tex      list of the spellings of one symbol, TeX without dollars
    means    its meaning in one line, MyST, formulas between single dollars
    scope    list of pages (rates/gaussian) and folders (rates); `everywhere` is the whole book
    defined  page#anchor where the book defines it

One spelling may stand for different things in different places. On a page the narrowest scope
counts: a page before a folder before `everywhere`.
"""

import html
import json
import re

from collapse.publishing.project import BuildError, read_yaml

EVERYWHERE = "everywhere"
_FIELDS = {"tex", "means", "scope", "defined"}
_PLACE = re.compile(r"book/[\w./-]+#[A-Za-z][\w.-]*")
_NOT_INLINE = re.compile(r"^```+\{(?:code-cell|math)\}.*?^```+[ \t]*$|\$\$.*?\$\$",
                         re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<![\\$])\$([^$]+?)\$")


def load(project):
    """The entries of `book/notation.yml`; none where the file does not exist.

    Raises BuildError naming the entry and the field for the first thing that is wrong, and for a
    spelling that has two meanings on one page.
    """
    path = project.book / "notation.yml"
    if not path.is_file():
        return []
    entries = read_yaml(path)
    if not isinstance(entries, list):
        raise BuildError(f"{path.name} must be a list of entries")
    known = {EVERYWHERE} | {page.short for page in project.pages}
    known |= {name.rpartition("/")[0] for name in known if "/" in name}
    for number, entry in enumerate(entries, 1):
        if problem := _problem(entry, known):
            name = entry.get("tex", "") if isinstance(entry, dict) else ""
            raise BuildError(f"{path.name}: entry {number} {name}: {problem}")
    for page in project.pages:
        dictionary(entries, page)
    return entries


def dictionary(entries, page):
    """What spellings mean on a page: normalised spelling -> entry.

    Raises BuildError when two entries of equal scope claim one spelling.
    """
    found, width = {}, {}
    for entry in entries:
        # 0 for the page itself, 1 for its folder, 2 for the whole book
        around = [page.short, page.short.rpartition("/")[0], EVERYWHERE]
        widths = [around.index(scope) for scope in entry["scope"] if scope in around]
        if not widths:
            continue
        for spelling in map(normal, entry["tex"]):
            if width.get(spelling) == min(widths) and found[spelling] is not entry:
                raise BuildError(f"notation.yml: {spelling} has two meanings on {page.name}: "
                                 f"{found[spelling]['means']!r} and {entry['means']!r}")
            if min(widths) < width.get(spelling, 3):
                found[spelling], width[spelling] = entry, min(widths)
    return found


def used(entries, page):
    """The part of the dictionary of a page whose spellings stand alone in formulas there."""
    alone = inline_formulas(page.text)
    return {spelling: entry for spelling, entry in dictionary(entries, page).items()
            if spelling in alone}


def inline_formulas(text):
    """The inline formulas of a page in MyST Markdown, normalised."""
    return {normal(formula) for formula in _INLINE.findall(_NOT_INLINE.sub(" ", text))}


def normal(tex):
    """A spelling without blanks, which TeX does not need between symbols; book.js does the same."""
    return re.sub(r"\s+", "", tex)


def as_script(entries, page):
    """The dictionary of a page as a script element with JSON for book.js, or "" for none."""
    meanings = {spelling: _as_html(entry["means"])
                for spelling, entry in sorted(used(entries, page).items())}
    if not meanings:
        return ""
    data = json.dumps(meanings, ensure_ascii=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="symbol-meanings">{data}</script>'


def as_myst(project, entries, link):
    """The index of symbols in MyST Markdown, by part. `link(page#anchor)` gives inline markup."""
    titles = {page.short: page.title for page in project.pages}
    groups = [("Everywhere", [entry for entry in entries if EVERYWHERE in entry["scope"]])]
    for caption, pages in project.parts:
        shorts = [page.short for page in pages]
        inside = {*shorts, *(short.rpartition("/")[0] for short in shorts)}
        groups.append((caption, [entry for entry in entries
                                 if inside.intersection(entry["scope"])]))
    lines = []
    for heading, members in groups:
        if not members:
            continue
        lines.append(f"## {heading}")
        lines.append("\n".join(_line(entry, titles, link) for entry in members))
    return "\n\n".join(lines) + "\n"


def _line(entry, titles, link):
    spellings = ", ".join(f"${spelling}$" for spelling in entry["tex"])
    pages = [titles[scope] for scope in entry["scope"] if scope in titles]
    where = f" *In {', '.join(pages)}.*" if pages else ""
    return f"- {spellings}: {entry['means']}.{where} Defined in {link(entry['defined'])}."


def _as_html(text):
    """MyST of one line with formulas only, as HTML that MathJax typesets."""
    return re.sub(r"\$([^$]+)\$", r'<span class="math">\\(\1\\)</span>', html.escape(text, False))


def _problem(entry, known):
    if not isinstance(entry, dict) or set(entry) != _FIELDS:
        return f"must have the fields {', '.join(sorted(_FIELDS))} and no other"
    for field in ("tex", "scope"):
        values = entry[field]
        if not isinstance(values, list) or not values or not all(
                isinstance(value, str) and value.strip() for value in values):
            return f"{field}: must be a list of texts"
    if unknown := [scope for scope in entry["scope"] if scope not in known]:
        return f"scope: {unknown[0]} is no page, no folder of pages and not '{EVERYWHERE}'"
    means = entry["means"]
    if not isinstance(means, str) or not means.strip() or "\n" in means or means.endswith("."):
        return "means: must be one line of text without a full stop at its end"
    if not isinstance(entry["defined"], str) or not _PLACE.fullmatch(entry["defined"]):
        return "defined: must look like book/page#anchor"
    return None
