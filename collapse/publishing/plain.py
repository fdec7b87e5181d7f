"""The chapters' text in plain Markdown, for programs that show notebooks but know no MyST.

Boxes become quotations with a bold title, references become words ("Theorem “The loop” in “The
Gaussian”"), citations author and year; formulas, lists, tables and code stay as they are. What
this module does not know is left readable: the text of a role, the title and body of a directive.
"""

import re
import textwrap
from dataclasses import dataclass
from pathlib import PurePosixPath

import yaml

_FENCE = re.compile(r"( *)(`{3,}|~{3,}|:{3,})(.*)")
_DIRECTIVE = re.compile(r"\{([\w:.-]+)\}\s*(.*)")
_OPTION = re.compile(r":([\w-]+):\s*(.*)")
_HEADING = re.compile(r"^\(([\w:.-]+)\)=\s*\n+(#+) +(.+?)\s*$", re.MULTILINE)
_MATH_LABEL = re.compile(r"\$\$[ \t]*\(([\w:.-]+)\)\s*$", re.MULTILINE)
_SHOWN = re.compile(r"\bshow\(\s*\w+,\s*[\"']([\w-]+)[\"']")
_EXPLICIT = re.compile(r"(.*?)\s*<([^<>]+)>", re.DOTALL)
_INLINE = re.compile(
    r"""\$\$(?P<display>.+?)\$\$(?:[ \t]*\((?P<label>[\w:.-]+)\))?
    | (?<!\\)\$(?P<math>(?:\\.|[^$\\])+?)\$
    | \{(?P<role>[a-z][\w:+-]*)\}`(?P<content>[^`]+)`
    | (?P<code>(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))
    | (?P<anchor>^[ ]*\([\w:.-]+\)=[ \t]*(?:\n|\Z))
    | (?<!!)\[(?P<words>[^\[\]]+)\]\((?P<url>[^()\s]+)\)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE)
# What cannot follow a bold title on its line.
_OWN_PARAGRAPH = re.compile(r"\$\$|[-*+] |\d+[.)] |[>#|]|`{3}")
_ADMONITIONS = {"admonition", "attention", "caution", "danger", "error", "hint", "important",
                "note", "seealso", "tip", "warning"}
_CODE = {"code", "code-block", "sourcecode"}
_INVISIBLE = {"bibliography", "contents", "raw", "tableofcontents", "toctree"}
_CLASS_ARGUMENT = {"div", "container"}  # their argument is no title


class Code(str):
    """A code fence, to be kept as it is."""


@dataclass(frozen=True)
class Directive:
    """A MyST directive: `name`, `argument`, `options` and `body`; `source` is all of it."""

    name: str
    argument: str
    options: dict
    body: str
    indent: str
    source: str


def blocks(text):
    """`text` cut into directives (Directive), code fences (Code) and the rest (str), in order."""
    found, rest, lines = [], [], text.split("\n")
    while lines:
        line = lines.pop(0)
        fence = _FENCE.fullmatch(line)
        if fence is None or (fence[2][0] == "`" and "`" in fence[3]):
            rest.append(line)
            continue
        indent, marks, info = fence.groups()
        directive = _DIRECTIVE.fullmatch(info.strip())
        if directive is None and marks[0] == ":":
            rest.append(line)
            continue
        end = next((i for i, other in enumerate(lines) if _closes(other, marks)), len(lines))
        inner, last, lines = lines[:end], lines[end:end + 1], lines[end + 1:]
        if rest:
            found.append("\n".join(rest))
            rest = []
        source = "\n".join([line, *inner, *last])
        if directive is None:
            found.append(Code(source))
        else:
            inner = [other.removeprefix(indent) for other in inner]
            options, body = _options(inner)
            found.append(Directive(directive[1], directive[2].strip(), options, body, indent,
                                   source))
    return [*found, "\n".join(rest)] if rest else found


def _closes(line, marks):
    line = line.strip()
    return len(line) >= len(marks) and set(line) == {marks[0]}


def _options(lines):
    """The options at the head of a directive, `:name: value` or YAML, and the body after them."""
    options = {}
    if lines and lines[0].strip() == "---" and "---" in lines[1:]:
        end = lines.index("---", 1)
        options = yaml.safe_load("\n".join(lines[1:end])) or {}
        lines = lines[end + 1:]
    while lines and (option := _OPTION.fullmatch(lines[0].strip())):
        options[option[1]] = option[2]
        lines = lines[1:]
    return options, "\n".join(lines).strip("\n")


@dataclass(frozen=True)
class _Target:
    """What a label stands for, in words, and the page it is on (None: the words say it)."""

    words: str
    page: str | None


class Plain:
    """Converts the text of a project's pages; knows its labels, titles and references."""

    def __init__(self, project):
        self._titles = {page.name: page.title for page in project.pages}
        self._targets = {}
        for page in project.pages:
            self._collect(page)
        self._citations = _citations(project.book / "references.bib")

    def convert(self, text, page):
        """The MyST Markdown `text` of `page` as plain Markdown."""
        parts = [self._block(block, page) for block in blocks(text)]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(parts)).strip("\n")

    def caption(self, cell, page):
        """The caption of the figure that a code cell shows, as a line of text, or None."""
        caption = cell.metadata.get("mystnb", {}).get("figure", {}).get("caption")
        if not caption:
            return None
        shown = _SHOWN.search(cell.source)
        name = f"Figure {shown[1]}." if shown else "Figure."
        return f"**{name}** {self.convert(caption, page)}"

    def _collect(self, page):
        """Note what the labels of a page stand for."""
        for label, marks, title in _HEADING.findall(page.text):
            self._targets[label] = _Target(f"“{title}”", page.name if len(marks) > 1 else None)
        for label in _MATH_LABEL.findall(page.text):
            self._targets[label] = _Target(f"({label})", page.name)
        for figure in _SHOWN.findall(page.text):
            self._targets[f"fig-{figure.lower()}"] = _Target(f"figure {figure}", page.name)
        self._collect_directives(page.text, page)

    def _collect_directives(self, text, page):
        for block in blocks(text):
            if not isinstance(block, Directive):
                continue
            if label := block.options.get("label"):
                if block.name == "math":
                    words = f"({label})"
                else:
                    title, _ = _title(block)
                    words = f"{_kind(block)} “{title}”" if title else _kind(block)
                self._targets[label] = _Target(words, page.name)
            if block.name not in {"math", "code-cell", *_CODE}:
                self._collect_directives(block.body, page)

    def _block(self, block, page):
        if isinstance(block, Code):
            return block
        if isinstance(block, str):
            return _INLINE.sub(lambda found: self._inline(found, page), block)
        # A blank line on either side: Markdown lets a paragraph run into what follows it.
        return "\n" + textwrap.indent(self._directive(block, page), block.indent) + "\n"

    def _directive(self, block, page):
        name = block.name
        if name in _INVISIBLE or name.endswith("-end"):
            return ""
        if name == "math":
            return _display(f"\n{block.body}\n", block.options.get("label"))
        if name in _CODE:
            return f"```{block.argument}\n{block.body}\n```"
        body = self.convert(block.body, page)
        title = self.convert(block.argument, page)
        if name == "prf:proof":
            return _end_of_proof(_after("*Proof.*", body))
        if name.startswith("prf:"):
            title, provenance = _title(block)
            head = _kind(block) + (f" ({self.convert(title, page)})" if title else "")
            head += f" · {provenance}" if provenance else ""
            return _quotation(_after(f"**{head}.**", body))
        if name in ("exercise", "exercise-start"):
            head = f"### Exercise: {title}" if title else "### Exercise"
            kind = block.options.get("class")
            return "\n\n".join([head, *([f"*{kind}*"] if kind else []), body])
        if name in ("solution", "solution-start"):
            return _after("**Solution.**", body)
        if name in _ADMONITIONS:
            return _quotation(_after(f"**{title or name.capitalize()}.**", body))
        if not title or name in _CLASS_ARGUMENT or body.startswith(f"*{title}"):
            return body  # the last: a proof to unfold, under the title "Proof"
        return _after(f"**{title}.**", body)

    def _inline(self, found, page):
        if found["display"]:
            return _display(found["display"], found["label"])
        if found["role"]:
            return self._role(found["role"], found["content"], page)
        if found["anchor"]:
            return ""
        if found["url"] and not re.match(r"https?:|mailto:", found["url"]):
            return self.convert(found["words"], page)  # it leads to a page of the book
        return found[0]

    def _role(self, role, content, page):
        if role.startswith("glue"):
            return f"`{content.split(':')[0]}`"  # the name under which `emit` displays the number
        if role.startswith("cite"):
            return self._cite(content, textual=role == "cite:t")
        if role == "math":
            return f"${content}$"
        explicit = _EXPLICIT.fullmatch(content)
        if explicit:
            return self.convert(explicit[1], page)
        if role in ("ref", "numref", "eq", "prf:ref"):
            target = self._targets.get(content, _Target(content, page.name))
            words = self.convert(target.words, page)
            elsewhere = target.page not in (None, page.name)
            return f"{words} in “{self._titles[target.page]}”" if elsewhere else words
        if role == "doc":
            return f"“{self._title_of(content, page)}”"
        return content

    def _cite(self, keys, *, textual):
        known = [self._citations.get(key.strip(), (key.strip(), "")) for key in keys.split(",")]
        if textual:
            return ", ".join(f"{names} ({year})" for names, year in known)
        return "(" + "; ".join(f"{names}, {year}" for names, year in known) + ")"

    def _title_of(self, path, page):
        """The title of the page that `path` names, as seen from `page`."""
        start = PurePosixPath() if path.startswith("/") else PurePosixPath(page.name).parent
        parts = []
        for part in (start / path.lstrip("/")).parts:
            parts = parts[:-1] if part == ".." else [*parts, part]
        return self._titles.get("/".join(parts), path)


def _citations(path):
    """Names and year of each entry of a BibTeX file: key -> ("Suresh et al.", "2025")."""
    from pybtex.database import parse_file
    from pybtex.richtext import Text

    found = {}
    if not path.is_file():
        return found
    for key, entry in parse_file(str(path)).entries.items():
        people = entry.persons.get("author") or entry.persons.get("editor") or []
        names = [str(Text.from_latex(" ".join(person.prelast_names + person.last_names)))
                 for person in people]
        joined = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
        found[key] = (joined or key, entry.fields.get("year", "n.d."))
    return found


def _kind(block):
    return block.name.split(":")[-1].removesuffix("-start").capitalize()


def _title(block):
    """Title and provenance of a box: "The loop · paper" -> ("The loop", "paper")."""
    title, dot, provenance = block.argument.rpartition(" · ")
    return (title, provenance) if dot else (block.argument, "")


def _display(formula, label):
    """A displayed formula; its label, by which the text refers to it, stands beside it."""
    if label:
        end = len(formula.rstrip())
        formula = rf"{formula[:end]} \qquad\text{{({label})}}{formula[end:]}"
    return f"$${formula}$$"


def _after(head, body):
    """`body` behind a bold word: on its line, or below it where Markdown wants a new one."""
    return f"{head}\n\n{body}" if _OWN_PARAGRAPH.match(body) else f"{head} {body}".rstrip()


def _end_of_proof(text):
    last = text.rsplit("\n", 1)[-1].strip()
    return f"{text}\n\n∎" if last.endswith(("$$", "```")) or last.startswith((">", "|")) \
        else f"{text} ∎"


def _quotation(text):
    """`text` as a quotation; a formula on one line, or `>` would become a part of it."""
    parts = [block if isinstance(block, Code) else _INLINE.sub(_on_one_line, block)
             for block in blocks(text)]
    return "\n".join(f"> {line}".rstrip() for line in "\n".join(parts).split("\n"))


def _on_one_line(found):
    if found["display"] or found["math"]:
        return " ".join(line.strip() for line in found[0].split("\n"))
    return found[0]
