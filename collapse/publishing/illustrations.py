"""Numbers that the text quotes and no check compares: what each is, and what vouches for it.

`book/illustrations.yml` maps a kind to such numbers, and each of these to a few words for readers.
"""

from collapse.publishing.project import BuildError, read_yaml

NAME = "illustrations.yml"
LINE = "<!-- illustrations -->"
KINDS = {
    "parameter": "Parameters, and arithmetic with them",
    "data": "Counts and statistics of the data",
    "law": "Values of laws that checks compare elsewhere",
    "reading": "Read off a published figure or text",
    "sample": "Seen in simulated runs, to illustrate",
}
_LONGEST = 160  # characters of a description


def load(project):
    """Return name -> (kind, description); raises BuildError for what is not that."""
    path = project.book / NAME
    found = read_yaml(path) if path.is_file() else {}
    if not isinstance(found, dict) or not all(isinstance(part, dict) for part in found.values()):
        raise BuildError(f"{NAME} must map kinds to names, and names to descriptions")
    numbers = {}
    for kind, descriptions in found.items():
        if kind not in KINDS:
            raise BuildError(f"{NAME}: kind must be one of {', '.join(KINDS)}, got {kind!r}")
        for name, description in descriptions.items():
            if name in numbers:
                raise BuildError(f"{NAME}: {name} is there twice")
            if not isinstance(description, str) or not 0 < len(description) <= _LONGEST:
                raise BuildError(
                    f"{NAME}: {name}: needs a description of at most {_LONGEST} characters")
            numbers[name] = kind, description
    return numbers


def as_myst(numbers, quantities):
    """The list in MyST Markdown, a part for each kind."""
    parts = [f"**{len(numbers)} numbers.**"]
    for kind, title in KINDS.items():
        lines = [f"- `{name}` = {quantities[name]['value']:.6g} · {description} · "
                 f"{{doc}}`/{quantities[name]['chapter']}`"
                 for name, (own, description) in numbers.items() if own == kind]
        if lines:
            parts.append(f"### {title}\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"
