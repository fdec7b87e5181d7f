"""Permanent labels: `book/labels.txt` lists every address in the book that others may cite.

They are those of chapters, numbered boxes, exercises, figures and numbered equations, as
`page#anchor`. Once published a label stays; where its target goes, an alias takes its place.
"""

from html.parser import HTMLParser

from collapse._files import write

ALIAS = ('keep an alias where its readers should arrive: a line <a id="{anchor}"></a> in the text '
         "of {page}")
# Ids that sphinx-proof and sphinx-exercise give to boxes and contents without a label.
_NAMELESS = {"proof", "proof-content", "exercise", "exercise-content", "solution-content"}


class _Labels(HTMLParser):
    """All ids of a page, and those that are labels of something on it."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.labels = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if not (name := attributes.get("id")):
            return
        self.ids.add(name)
        classes = set((attributes.get("class") or "").split())
        if ((tag == "div" and {"proof", "exercise"} & classes and name not in _NAMELESS)
                or (tag == "figure" and name.startswith("fig-"))
                or (tag == "div" and name.startswith("equation-"))):
            self.labels.append(name)


def read(project):
    """The labels in `book/labels.txt`, in order; none where the file does not exist."""
    path = project.book / "labels.txt"
    return path.read_text(encoding="utf-8").split() if path.is_file() else []


def compare(project):
    """Look at the rendered pages: pairs of the labels not listed yet, and complaints on lost ones.
    """
    listed, present, new = read(project), set(), []
    for page in project.pages:
        scan = _Labels((project.html / f"{page.name}.html").read_text(encoding="utf-8"))
        present |= {f"{page.name}#{name}" for name in scan.ids}
        named = [page.label] if page.label else []
        new += [f"{page.name}#{name}" for name in named + scan.labels]
    lost = [f"{label}: listed in book/labels.txt, but not on its page; "
            + ALIAS.format(page=label.split("#")[0], anchor=label.split("#")[1])
            for label in listed if label not in present]
    return [label for label in new if label not in set(listed)], lost


def add(project, new):
    """Add labels to `book/labels.txt`, which stays sorted."""
    path = project.book / "labels.txt"
    write(path, ("\n".join(sorted({*read(project), *new})) + "\n").encode())
