"""Explorers: interactive figures that stand in the page as one inline script, with nothing to load.

`book/explorers/NAME.mjs` starts with a line `// What the figure is.`, its title, and exports one
function of the figure's element. It may import names from other modules of that folder. Pages
work from a file, where a browser refuses to load modules; so the modules are put behind one
another, without their imports and exports, into a script in the page. That is right as long as no
name is declared twice, and the rules below are strict: one statement, one line, one name.
"""

import html
import re

from collapse.publishing.project import BuildError

_LINE = re.compile(r"^<!-- explorer: (.*?) -->[ \t]*$", re.MULTILINE)
_TITLE = re.compile(r"// (.+)\n")
_IMPORT = re.compile(r'^import \{([\w\s,]+)\} from "\./(\w+)\.mjs";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:function|class|const) )", re.MULTILINE)
_DEFAULT = "export default function (root) {"
_DECLARATION = re.compile(
    r"^(export )?(?:(?:async )?function\*?|class|const|let) (\w+)", re.MULTILINE)
# Import and export of other forms, declarations of more than one name, and what ends a script.
_UNREADABLE = re.compile(
    r"^(?:import|export|var)\b.*|^(?:const|let) (?!\w+(?: =|;)).*|^(?:const|let) .*, \w+ = .*"
    r"|.*\bimport\(.*|.*</script.*", re.MULTILINE)
_HTML = """\
`````````{{raw}} html
<figure class="explorer" id="explorer-{name}">
<figcaption>{title}</figcaption>
<noscript>This figure is interactive and needs JavaScript. The other figures of the chapter show
the same for fixed parameters.</noscript>
</figure>
<script type="module">
{code}explorer(document.getElementById("explorer-{name}"));
</script>
`````````"""


def names(text):
    """The names of the explorers that a text asks for, in its order."""
    return _LINE.findall(text)


def insert(texts, folder, where):
    """The texts of one page, with a figure for each line `<!-- explorer: NAME -->`.

    `folder` holds the modules, `where` names the page in errors. Raises BuildError for an unknown
    name, a second figure of one name, and a module that cannot be put into the page.
    """
    shown = [name for text in texts for name in names(text)]
    if twice := sorted({name for name in shown if shown.count(name) > 1}):
        raise BuildError(f"{where}: the explorer {twice[0]} stands there twice")
    try:
        return [_LINE.sub(lambda found: _figure(found[1], folder), text) for text in texts]
    except BuildError as error:
        raise BuildError(f"{where}: {error}") from None


def _figure(name, folder):
    sources = _modules(name, folder)
    main = sources[name]
    if not (title := _TITLE.match(main)) or main.count(_DEFAULT) != 1:
        raise BuildError(f"explorers/{name}.mjs must start with a line '// title' and have one "
                         f"line '{_DEFAULT}'")
    sources[name] = main.replace(_DEFAULT, "function explorer(root) {")
    return _HTML.format(name=name, title=html.escape(title[1]), code=_bundle(sources))


def _modules(name, folder):
    """The source of a module and of all that it imports, by name, the imported ones first."""
    path = folder / f"{name}.mjs"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.mjs")
                                 if _DEFAULT in file.read_text(encoding="utf-8")))
        raise BuildError(f"no explorer {name!r}; choose one of: {known}")
    source = path.read_text(encoding="utf-8")
    found = {}
    for _, other in _IMPORT.findall(source):
        found |= _modules(other, folder)
    return found | {name: source}


def _bundle(sources):
    """One script of several modules; raises BuildError where that would change their meaning."""
    declared, exported, parts = {}, {}, []
    for name, source in sources.items():
        for words, other in _IMPORT.findall(source):
            wanted = set(re.findall(r"\w+", words))
            if missing := wanted - exported[other]:
                raise BuildError(f"explorers/{name}.mjs imports {', '.join(sorted(missing))}, "
                                 f"which explorers/{other}.mjs does not export")
        found = _DECLARATION.findall(source)
        exported[name] = {word for export, word in found if export}
        for _, word in found:
            if word in declared:
                raise BuildError(f"explorers/{declared[word]}.mjs and explorers/{name}.mjs both "
                                 f"declare {word!r}; give one another name")
            declared[word] = name
        part = _EXPORT.sub("", _IMPORT.sub("", source))
        if line := _UNREADABLE.search(part):
            raise BuildError(f"explorers/{name}.mjs: cannot be put into a page: {line[0]!r}")
        parts.append(part)
    return "".join(parts)
