"""The files around the package agree with each other, and install from nothing."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import collapse

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = {
    "linux": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    "macos": {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
    "windows": {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
}

# Hosts of package registries. Written in parts, so that this file passes its own test.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("anaconda", "org"),
        ("anaconda", "com"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("crates", "io"),
    )
]
# An absolute path into somebody's machine; a path below another folder or a URL is none.
MACHINE_PATH = re.compile(r"(?<![\w.}/~$-])/(?:work|tmp|home|root|Users)\b(?![(|])")


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def project():
    return tomllib.loads(read("pyproject.toml"))


@pytest.fixture(scope="module")
def environment():
    return yaml.safe_load(read("environment.yml"))


@pytest.fixture(scope="module")
def files():
    """Paths, below the root, of the files that are (or are about to be) under version control."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"the list of files comes from git, which says: {error}")
    return sorted(name for name in names.split("\0") if name and (ROOT / name).is_file())


def logical_lines(text):
    """Return the lines of a requirements file, continued lines joined, comments left out."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [line for line in joined.splitlines() if line.strip()]


def pins(text, python, platform):
    """Return canonical name -> version of what a lock installs in the given environment."""
    where = default_environment() | PLATFORMS[platform]
    where |= {"python_version": python, "python_full_version": f"{python}.5"}
    found = {}
    for line in logical_lines(text):
        requirement = Requirement(line.split("--hash")[0])
        if requirement.marker is None or requirement.marker.evaluate(where):
            name = canonicalize_name(requirement.name)
            (specifier,) = requirement.specifier
            assert specifier.operator == "==", line[:80]
            assert name not in found, f"{name} is pinned twice for Python {python} on {platform}"
            found[name] = specifier.version
    return found


def direct_requirements(project):
    """Yield every requirement that pyproject.toml names: runtime, all extras, build."""
    yield from project["project"]["dependencies"]
    for extra in project["project"]["optional-dependencies"].values():
        yield from extra
    yield from project["build-system"]["requires"]  # the install step has no build isolation


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_lock_satisfies_every_direct_requirement(project, python, platform):
    locked = pins(read("requirements.lock"), python, platform)
    for text in direct_requirements(project):
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        assert name in locked, f"{name} is not locked for Python {python} on {platform}"
        assert requirement.specifier.contains(locked[name], prereleases=True), (
            f"{text} is locked at {locked[name]} for Python {python} on {platform}"
        )


def test_lock_is_hashed_throughout_and_names_no_index():
    for line in logical_lines(read("requirements.lock")):
        assert not line.startswith("-"), f"an option, not a requirement: {line[:80]}"
        assert "://" not in line, line[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", line), f"no hash: {line[:80]}"


def test_lock_names_the_extras_that_packages_ask_of_each_other():
    """Without them an older pip looks for the newest release, which is not in the lock."""
    requirements = [Requirement(line.split("--hash")[0])
                    for line in logical_lines(read("requirements.lock"))]
    locked = {canonicalize_name(requirement.name): requirement.extras
              for requirement in requirements
              if requirement.marker is None or requirement.marker.evaluate()}
    asked = {}
    for name, extras in locked.items():
        for text in metadata.requires(name) or ():
            requirement = Requirement(text)
            if requirement.extras and any(
                    requirement.marker is None or requirement.marker.evaluate({"extra": extra})
                    for extra in ("", *extras)):
                asked.setdefault(canonicalize_name(requirement.name), set()).update(
                    requirement.extras)
    assert asked
    assert {name: extras for name, extras in asked.items() if not extras <= locked[name]} == {}


def test_environment_installs_the_lock_on_the_pythons_of_the_project(project, environment):
    python = next(entry for entry in environment["dependencies"] if str(entry).startswith("python"))
    allowed = SpecifierSet(project["project"]["requires-python"])
    assert SpecifierSet(python.removeprefix("python").strip()) == allowed
    assert "pip" in environment["dependencies"]
    assert pip_part(environment) == ["-r requirements.lock"]
    for minor in range(30):
        assert allowed.contains(f"3.{minor}.0") == (f"3.{minor}" in PYTHONS)


def test_workflows_run_the_tests_on_every_python_and_publish_what_make_builds():
    tests = yaml.safe_load(read(".github/workflows/test.yml"))["jobs"]["test"]
    assert tuple(tests["strategy"]["matrix"]["python-version"]) == PYTHONS
    assert ".ci/run" in [step.get("run") for step in tests["steps"]]
    book = yaml.safe_load(read(".github/workflows/book.yml"))["jobs"]
    assert "make pdf" in [step.get("run") for step in book["build"]["steps"]]
    assert {"pages", "id-token"} <= set(book["publish"]["permissions"])


def test_scripts_are_executable():
    for name in (".ci/run", "postBuild"):
        assert os.access(ROOT / name, os.X_OK), name


def test_one_version_everywhere(project):
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["version"] == project["project"]["version"] == collapse.__version__


def test_citation_is_complete_and_names_the_three_papers():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["message"] and citation["title"] and citation["authors"]
    for reference in citation["references"]:
        assert reference["type"] and reference["title"] and reference["authors"]
    identifiers = [
        entry["value"] for reference in citation["references"] for entry in reference["identifiers"]
    ]
    assert identifiers == ["arXiv:2412.17646", "arXiv:2505.13947", "arXiv:2506.09401"]


def test_make_targets_in_the_prose_exist():
    targets = set(re.findall(r"^([a-z][\w-]*):", read("Makefile"), re.M))
    for name in ("README.md", "CONTRIBUTING.md"):
        code = "\n".join(re.findall(r"`[^`\n]+`|^ {4}.*|^make .*", read(name), re.M))
        mentioned = set(re.findall(r"\bmake ([a-z]+)\b", code))
        assert mentioned and mentioned <= targets, (name, mentioned - targets)


def test_files_linked_from_the_readme_exist():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", read("README.md")):
        assert (ROOT / target).is_file(), target


def test_readme_examples_run(capsys):
    blocks = re.findall(r"```python\n(.*?)```", read("README.md"), re.S)
    assert len(blocks) == 4
    namespace = {}  # shared: the later examples use the imports of the first
    for block in blocks:
        exec(compile(block, "README example", "exec"), namespace)
    lines = capsys.readouterr().out.splitlines()
    simulated, exact, theorem = map(float, lines[0].split())
    assert 0 < exact < theorem
    assert 0 <= simulated <= 1
    first, tenth, hundredth = map(float, lines[1].strip("[]").split())
    assert 19_919 > first > tenth > hundredth > 0
    sample_size, fraction = int(lines[2]), float(lines[3])
    assert 1 / 0.01 < sample_size and 0 < fraction < 1
    assert len(lines) == 5


def test_no_file_names_a_registry_or_a_machine(files):
    for name in files:
        try:
            text = read(name)
        except UnicodeDecodeError:
            continue  # an image or a font
        for host in REGISTRIES:
            assert host not in text.lower(), f"{name} names {host}"
        found = MACHINE_PATH.search(text)
        assert not found, f"{name} names a path of some machine: {found and found.group()}"


@pytest.mark.parametrize("folder", ["work", "tmp", "home", "root", "Users"])
def test_machine_paths_are_recognised(folder):
    for text in ("cd /{}", "see '/{}/main'", "(/{}/me)", "path=/{}/me"):
        assert MACHINE_PATH.search(text.format(folder)), text
    for text in ("a/{}/b", "https://x.example/{}/y", "./{}", "n / {}", "/{}s"):
        assert not MACHINE_PATH.search(text.format(folder)), text


def pip_part(environment):
    """Return the lines that environment.yml hands to pip."""
    (part,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    return part


@pytest.mark.slow
@pytest.mark.fresh_environment
def test_environment_and_postbuild_install_from_nothing(tmp_path, files, environment):
    checkout = tmp_path / "checkout"
    for name in files:
        target = checkout / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    fresh = tmp_path / "environment"
    venv.create(fresh, with_pip=True)
    scripts = fresh / ("Scripts" if sys.platform == "win32" else "bin")
    variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    variables |= {"PATH": f"{scripts}{os.pathsep}{variables['PATH']}", "VIRTUAL_ENV": str(fresh)}

    def run(*command, cwd=checkout):
        done = subprocess.run(
            command, cwd=cwd, env=variables, capture_output=True, text=True, timeout=1200
        )
        output = done.stdout[-2000:] + done.stderr[-4000:]
        assert done.returncode == 0, f"{command} failed:\n{output}"
        return done.stdout

    # As conda does it: the pip part becomes a requirements file beside environment.yml.
    (checkout / "pip-part.txt").write_text("\n".join(pip_part(environment)) + "\n")
    python = str(scripts / "python")
    run(python, "-m", "pip", "install", "-r", "pip-part.txt")
    run(str(checkout / "postBuild"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    where = run(python, "-c", "import collapse; print(collapse.__file__)", cwd=elsewhere)
    assert Path(where.strip()) == checkout / "collapse" / "__init__.py"
    version = run(str(scripts / "collapse"), "--version", cwd=elsewhere)
    assert collapse.__version__ in version
    run(python, "-m", "pip", "check", cwd=elsewhere)
