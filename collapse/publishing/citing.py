"""Citing a chapter, and what a page tells others about itself."""

import html
import re
from dataclasses import dataclass

from collapse.publishing.project import BuildError, distribution_version, read_yaml

DESCRIPTION_LENGTH = (50, 200)  # characters; search engines show about as many
_MARKUP = re.compile(r"[$\\`{}<>*_|\[\]]")
_HEAD_END = re.compile(r"</title>|(?=<meta http-equiv=\"Refresh\")")


@dataclass(frozen=True)
class Citation:
    """What `CITATION.cff` says of the book, with the version of the package."""

    title: str
    author: str
    year: int
    version: str


def load(project):
    """The citation data of the book; raises BuildError when `CITATION.cff` lacks something."""
    path = project.root / "CITATION.cff"
    try:
        data = read_yaml(path)
        author = " and ".join(person["name"] for person in data["authors"])
        return Citation(data["title"], author, data["date-released"].year, distribution_version())
    except (OSError, KeyError, TypeError, AttributeError) as error:
        raise BuildError("CITATION.cff must have a title, authors with a name, and date-released "
                         f"(year-month-day): {type(error).__name__} {error}") from None


def block(page, citation):
    """The folded block at the end of a chapter, in MyST Markdown.

    Raises BuildError for a chapter without a label above its title: that label is permanent.
    """
    if not page.label:
        raise BuildError(f"{page.name}: the chapter has no label; write (name)= above its title")
    book = f"*{citation.title}*, version {citation.version}"
    return f"""\
`````{{dropdown}} Cite this page
:class-container: cite-page

{citation.author} ({citation.year}). {page.title}. In {book}.

````bibtex
@incollection{{companion-{page.label},
  author    = {{{{{citation.author}}}}},
  title     = {{{page.title}}},
  booktitle = {{{citation.title}}},
  year      = {{{citation.year}}},
  note      = {{Version {citation.version}, page {page.name}, label {page.label}}}
}}
````

The permanent label of this chapter is `{page.label}`. Theorems, equations, figures and
exercises have permanent addresses, too: point at their title or caption and follow the `#`.
`````"""


def description(page):
    """One or two plain sentences on a page, or None where there are none.

    They are the field `description` of the page's front matter, else the first sentences of its
    text, if these are plain. Raises BuildError for a field that is not plain text of
    `DESCRIPTION_LENGTH`.
    """
    text = page.front_matter.get("description")
    if text is None:
        return _first_sentences(page.text)
    low, high = DESCRIPTION_LENGTH
    if not isinstance(text, str) or _MARKUP.search(text) or not low <= len(text) <= high:
        raise BuildError(f"{page.name}: description: must be plain text of {low} to {high} "
                         f"characters, got {text!r}")
    return text


def add_metadata(text, page, citation):
    """The HTML `text` of a page with what search engines and link previews read in its head."""
    told = {"author": citation.author, "description": description(page)}
    shown = {"og:type": "article", "og:title": page.title, "og:site_name": citation.title,
             "og:description": told["description"]}
    tags = [f'<meta name="{name}" content="{html.escape(content)}" />'
            for name, content in told.items() if content]
    tags += [f'<meta property="{name}" content="{html.escape(content)}" />'
             for name, content in shown.items() if content]
    return _HEAD_END.sub(lambda found: found[0] + "\n" + "\n".join(tags) + "\n", text, count=1)


def _first_sentences(text):
    """Whole sentences from the first paragraph after the title, as many as may be shown."""
    paragraph = re.search(r"^# .*\n+(.+(?:\n.+)*)", text, re.MULTILINE)
    if not paragraph or _MARKUP.search(paragraph[1]):
        return None
    low, high = DESCRIPTION_LENGTH
    words = " ".join(paragraph[1].split())
    ends = [found.end() for found in re.finditer(r"[.!?](?=\s|$)", words) if found.end() <= high]
    return words[:ends[-1]] if ends and ends[-1] >= low else None
