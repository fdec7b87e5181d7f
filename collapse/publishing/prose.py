"""The lint of typed numbers: in prose a number comes from a cell, or from mathematics.

Numbers that a chapter measures or computes reach its text by {glue:text}. What remains to type are
parameters, which stand in mathematics ($n = 10$) or code, captions, titles, names (WikiText-2, P1)
and places (Theorem 3), and what the text marks as meant: 42<!-- typed -->.
"""

import re

from collapse.publishing.project import BuildError

_FRONT_MATTER = re.compile(r"\A---\n.*?^---\n", re.DOTALL | re.MULTILINE)
# In this order: what comes first may hold what comes later.
_NOT_PROSE = [re.compile(pattern, flags) for pattern, flags in (
    (r"\d(?:[., \u2009\u202f]?\d)*<!-- typed -->", 0),
    (r"<!--.*?-->", re.DOTALL),
    (r"^[ \t]*:[\w-]+:.*$", re.MULTILINE),  # an option of a directive
    (r"^\([\w.-]+\)=$", re.MULTILINE),  # a label
    (r"\{[\w:.-]+\}(?P<ticks>`+)(?:[^`]|(?!(?P=ticks)(?!`))`)*(?P=ticks)", 0),  # a role
    (r"(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`)", re.DOTALL),  # code
    (r"\$\$.*?\$\$", re.DOTALL),
    (r"(?<!\\)\$[^$]*?(?<!\\)\$", re.DOTALL),
    (r"\\begin\{(?P<name>\w+\*?)\}.*?\\end\{(?P=name)\}", re.DOTALL),
    (r"\]\([^)\s]*\)", 0),
    (r"https?://\S+", 0),
    (r"</?[a-zA-Z][^<>\n]*>", 0),
    (r"^#.*$", re.MULTILINE),  # a heading is a name
)]
_FENCE = re.compile(
    r"[ \t]*(?P<marks>`{3,}|:{3,}|~{3,})(?:\{(?P<directive>[\w:-]+)\})?(?P<rest>.*)")
_NO_PROSE_INSIDE = {None, "bibliography", "code", "code-block", "code-cell", "eval-rst", "math",
                    "mermaid", "raw", "toctree"}
_AND_MORE = r"(?:(?:,\s|\sand\s|\sor\s|\sto\s|–)"  # Theorems 1 and 2, steps 1–3
_NAMES = [re.compile(pattern, flags) for pattern, flags in (
    (r"\b(?:Algorithm|Appendix|BSD|Case|CC BY|Chapter|Claim|Corollar(?:y|ies)|Definition|Equation|"
     r"Exercise|Figure|Item|Lemma|Part|Property|Proposition|Python|Question|Remark|Section|"
     rf"Statement|Step|Table|Theorem)(?:s|es)?\s\d+(?:\.\d+)*{_AND_MORE}\d+(?:\.\d+)*)*",
     re.IGNORECASE),
    # Items of a list, and where the text speaks of them: 1. and (1) and *1, 2.*
    (r"^[ \t]*(?:[-*>][ \t]+)?[1-9]\d?[.)](?=\s)|^[ \t]*\(?[1-9]\)(?=\s)|(?<!\w)\([1-9]\)(?!\w)|"
     rf"\*+[1-9]{_AND_MORE}[1-9])*(?:[.)]?\*|[.)](?=\s))", re.MULTILINE),
    (r"(?<!\w)[^\W\d_][\w.]*(?:-[\w.]*)*?-?\d[\w.-]*", 0),  # P1, WikiText-2, SHA-256
)]
_NUMBER = re.compile(r"\d+(?:[., \u2009\u202f]\d+)*(?:[eE][+-]?\d+)?")


def check(pages):
    """Raise BuildError that lists file, line and number of every number typed in prose."""
    found = [f"{page.name}.md:{line}: {number}" for page in pages
             for line, number in typed_numbers(page.text)]
    if found:
        raise BuildError("numbers typed in prose; emit and glue what is measured or computed, put "
                         "parameters into mathematics, or mark the number: 42<!-- typed -->\n"
                         + "\n".join(found))


def typed_numbers(text):
    """Pairs of line number and number for the numbers typed in the prose of a page."""
    prose = only_prose(text)
    return [(prose.count("\n", 0, found.start()) + 1, found[0])
            for found in _NUMBER.finditer(prose)]


def only_prose(text):
    """`text` with blanks for all that is no prose, or a number that may be typed."""
    text = _without_code(_FRONT_MATTER.sub(_blank, text))
    for pattern in (*_NOT_PROSE, *_NAMES):
        text = pattern.sub(_blank, text)
    return text


def _without_code(text):
    """`text` with blanks for the fences of directives, titles included, and for code."""
    lines, opened = [], []  # what is open around a line: the marks of the fence, its directive
    for line in text.split("\n"):
        fence = _FENCE.match(line)
        inside_code = bool(opened) and opened[-1][1] in _NO_PROSE_INSIDE
        closes = fence and opened and not (fence["directive"] or fence["rest"].strip()) \
            and fence["marks"].startswith(opened[-1][0])
        if closes:
            opened.pop()
        elif fence and not inside_code:
            opened.append((fence["marks"], fence["directive"]))
        lines.append(" " * len(line) if fence or inside_code else line)
    return "\n".join(lines)


def _blank(found):
    """As much space as there was, so that lines and columns stay."""
    return re.sub(r"[^\n]", " ", found[0])
