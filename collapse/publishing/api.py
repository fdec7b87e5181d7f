"""The page on the package: every public name with its signature and its docstring.

Docstrings are plain text with sections in the manner of numpydoc. The page is MyST Markdown made
from them; its anchors are the full names, such as `collapse.laws.gaussian.std_sf`.
"""

import ast
import html
import importlib
import inspect
import pkgutil
import re
from functools import cached_property
from pathlib import Path

PAGE = "book/appendix/api"
LINE = "<!-- api -->"
# The order of reading. Public modules that are not named here come after these.
_ORDER = ("collapse", "collapse.models", "collapse.schedules", "collapse.laws", "collapse.bounds",
          "collapse.planning", "collapse.diagnostics", "collapse.genealogy", "collapse.language",
          "collapse.tables", "collapse.datasets", "collapse.plotting")
_PROGRAMS = ("collapse.measure",)  # run as `python -m ...`, with functions worth knowing
_SPECIAL = re.compile(r"([\\*_\[\]<>{}$|#~^`])")
_CODE = re.compile(r"``(.+?)``|`([^`\n]+)`", re.DOTALL)
_LONG = 76  # characters of a signature on one line


class Reference:
    """What is public: `modules`, name -> module, and `names`, full name -> object."""

    @cached_property
    def modules(self):
        import collapse

        found = [name for _, name, _ in pkgutil.walk_packages(collapse.__path__, "collapse.")
                 if not re.search(r"\._|\.publishing\.|\.__", name)]
        modules = {name: importlib.import_module(name) for name in ["collapse", *found]}
        public = {name: module for name, module in modules.items() if _public(module)}

        def place(name):
            group = max((known for known in _ORDER if f"{name}.".startswith(f"{known}.")), key=len)
            return _ORDER.index(group) if group != "collapse" or name == group else len(_ORDER)

        return dict(sorted(public.items(), key=lambda item: place(item[0])))

    @cached_property
    def names(self):
        return {f"{name}.{public}": getattr(module, public)
                for name, module in self.modules.items() for public in _public(module)}

    @cached_property
    def homes(self):
        """Full name -> the full name under which the object is described, below its own module."""
        found = {}
        for name in sorted(self.names, key=lambda name: self._rank(name.rpartition(".")[0])):
            found.setdefault(self._key(name), name)
        return {name: found[self._key(name)] for name in self.names}

    def _rank(self, module):
        """The package itself describes only what has no place of its own in the reading order."""
        return 0 if module in _ORDER[1:] or "." in module.removeprefix("collapse.") else (
            1 if module == "collapse" else 2)

    def _key(self, name):
        """What two names of one object have in common; equal constants are different objects."""
        thing = self.names[name]
        return id(thing) if callable(thing) else name

    def docstring(self, name):
        """The docstring of a public name; that of a constant is the text below it."""
        thing = self.names[name]
        if inspect.ismodule(thing) or callable(thing):
            return inspect.getdoc(thing) or ""
        module, _, constant = name.rpartition(".")
        body = ast.parse(Path(self.modules[module].__file__).read_text(encoding="utf-8")).body
        for statement, after in zip(body, body[1:], strict=False):
            if (isinstance(statement, ast.Assign) and isinstance(after, ast.Expr)
                    and ast.unparse(statement.targets[0]) == constant
                    and isinstance(after.value, ast.Constant)):
                return inspect.cleandoc(after.value.value)
        return ""

    def as_myst(self):
        """All of the reference, a heading for each module and each name."""
        parts = []
        for module_name, module in self.modules.items():
            parts += [_anchor(module_name), f"## `{module_name}`",
                      self._prose(inspect.getdoc(module) or "", module_name)]
            names = [f"{module_name}.{public}" for public in _public(module)]
            described = [name for name in names
                         if self.homes[name] == name and name not in self.modules]
            if elsewhere := [self._link(name, name.rpartition(".")[2])
                             for name in names if name not in described]:
                parts.append("With entries of their own: " + ", ".join(elsewhere) + ".")
            for name in described:
                parts += self._entry(name)
        return "\n\n".join(parts)

    def _entry(self, name):
        thing, (module, _, short) = self.names[name], name.rpartition(".")
        yield _anchor(name)
        yield f"### `{short}`"
        if callable(thing):
            shown = name.removeprefix("collapse.")
            yield f"```python\n{_signature(shown, thing)}\n```"
        yield self._prose(self.docstring(name), module)
        if inspect.isclass(thing):
            for attribute, member in vars(thing).items():
                function = getattr(member, "__func__", getattr(member, "fget", member))
                text = inspect.getdoc(function) if inspect.isfunction(function) else None
                if text and not attribute.startswith("_"):
                    call = (f"`.{attribute}`" if isinstance(member, property) else
                            f"`.{_signature(attribute, getattr(thing, attribute), method=True)}`")
                    yield f"{_anchor(f'{name}.{attribute}')}\n\n#### {call}"
                    yield self._prose(text, module)

    def _link(self, name, words):
        return f'<a href="#{self.homes[name]}"><code>{html.escape(words)}</code></a>'

    def _prose(self, text, module):
        """MyST Markdown for a docstring or a part of one."""
        lines = [*text.splitlines(), ""]
        out, number, listing, item = [], 0, False, False
        while number < len(lines) - 1:
            line, after = lines[number], lines[number + 1]
            if line.startswith(">>>"):
                end = lines.index("", number)
                out += ["```python", *lines[number:end], "```"]
                number = end
            elif re.fullmatch(r"-{3,}", after) and line.strip():
                out += ["", f"**{line}**", ""]
                item = False  # whether `out` ends with an item that may have a second line
                listing = line in ("Parameters", "Returns", "Raises", "Attributes", "Yields")
                number += 2
            elif line.startswith("    "):
                block, number = _indented(lines, number)
                out += ["", "```text", block, "```", ""]
            elif line.strip() and after.startswith("    ") or listing and line.strip():
                block, number = _indented(lines, number + 1)
                if listing and item and " : " not in line:  # the second line of what is returned
                    out[-1] += f" {self._inline(line, module)}"
                    continue
                item = not block
                inner = self._prose(block, module).replace("\n", "\n  ")
                out.append(f"- {self._term(line, module)}" + (f"\n\n  {inner}" if block else ""))
            else:
                out.append(self._inline(line, module))
                number += 1
        return "\n".join(out).strip()

    def _term(self, line, module):
        """The first line of an item: `name : type`, or any text."""
        name, colon, kind = line.partition(" : ")
        if colon:
            return f"`{name}`: {self._inline(kind, module)}"
        return self._inline(line, module)

    def _inline(self, text, module):
        """A line with code as code, public names as links, and nothing else marked up."""
        bullet = re.match(r"\s*(- )?", text)[0]
        out, end = [bullet], len(bullet)
        for found in _CODE.finditer(text):
            out.append(escaped(text[end:found.start()]))
            words = found[1] or found[2]
            known = [name for name in (words, f"{module}.{words}", f"collapse.{words}")
                     if name in self.homes]
            out.append(self._link(known[0], words) if known else f"`{words}`")
            end = found.end()
        return "".join([*out, escaped(text[end:])])


def escaped(text):
    """Text as Markdown that has nothing marked up."""
    return _SPECIAL.sub(r"\\\1", text)


def _public(module):
    """The public names of a module: its own list, or for a program its documented functions."""
    if hasattr(module, "__all__"):
        return module.__all__
    if module.__name__ not in _PROGRAMS:
        return []
    return [name for name, thing in vars(module).items()
            if inspect.isfunction(thing) and thing.__module__ == module.__name__
            and not name.startswith("_") and thing.__doc__]


def _anchor(name):
    return f'<span id="{name}"></span>'


def _signature(name, thing, *, method=False):
    """A call as one would write it, on several lines when it is long."""
    try:
        signature = inspect.signature(thing)
    except ValueError:
        return name
    parameters = [parameter.replace(annotation=inspect.Parameter.empty)
                  for parameter in signature.parameters.values()]
    if method and parameters and parameters[0].name == "self":
        parameters = parameters[1:]
    plain = signature.replace(parameters=parameters,
                              return_annotation=inspect.Signature.empty)
    line = f"{name}{plain}"
    if len(line) <= _LONG or method:
        return line
    return f"{name}(\n" + "".join(f"    {part},\n" for part in str(plain)[1:-1].split(", ")) + ")"


def _indented(lines, start):
    """The block of indented lines from `start` on, without the indent, and where it ends."""
    end = start
    while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
        end += 1
    while end > start and not lines[end - 1].strip():
        end -= 1
    return "\n".join(line[4:] for line in lines[start:end]), end
