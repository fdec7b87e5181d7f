"""Every executed notebook says what it was made from and with."""

import nbformat
import pytest
from bs4 import BeautifulSoup

from collapse.publishing import execute, notebooks, provenance
from collapse.publishing.project import Project, distribution_version

GAUSSIAN, LOOP = "book/rates/gaussian", "book/rates/loop"


def stamps(root):
    """chapter -> what its executed notebook in the cache says."""
    found = [nbformat.read(path, as_version=4).metadata.collapse
             for path in (root / "_build/cache").glob("*/executed.ipynb")]
    return {stamp.chapter: stamp for stamp in found}


def test_every_executed_notebook_has_a_stamp(built_once):
    found = stamps(built_once)
    assert found.keys() == {GAUSSIAN, LOOP}
    for chapter, stamp in found.items():
        [folder] = (built_once / "_build/cache").glob(
            f"{Project(built_once).chapter(chapter).slug}-*")
        assert folder.name.endswith(stamp.source[:32])
        assert stamp == execute.stamp(folder)
        assert stamp.seconds > 0 and stamp.version == distribution_version()
        assert stamp.environment == provenance.environment()
    assert found[GAUSSIAN].parameters == {"n": 10, "k": 5, "rate": 1.0, "verbose": False,
                                          "label": "decay", "sizes": [1, 2]}
    assert found[LOOP].parameters == {} and found[LOOP].seed is None
    assert found[GAUSSIAN].code != found[LOOP].code


def test_a_stamp_tells_sources_and_settings_apart(fresh):
    def stamp(**parameters):
        notebook = notebooks.read(Project(fresh.root).chapter("gaussian"))
        key = execute.cache_key(notebook, "science", parameters)
        return execute._stamp(execute.Job(GAUSSIAN, nbformat.writes(notebook), fresh.root,
                                          fresh.root, fresh.root, parameters, key), 1.0)

    first = stamp()
    assert stamp() == first
    other = stamp(n=3)
    assert other["parameters"]["n"] == 3
    assert other["code"] == first["code"] and other["source"] != first["source"]
    fresh.edit(f"{GAUSSIAN}.md", "sizes = [1, 2]", "sizes = {1}\nseed = 5")
    other = stamp()
    assert other["seed"] == 5 and other["parameters"]["sizes"] == "{1}"  # a set is not JSON
    assert other["code"] != first["code"] and other["source"] != first["source"]


@pytest.mark.parametrize("page", [GAUSSIAN, LOOP])
def test_a_page_ends_with_its_stamp(built_once, page):
    soup = BeautifulSoup((built_once / f"_build/html/{page}.html").read_text(), "html.parser")
    block = soup.select_one("details.computed-page")
    assert not block.has_attr("open")
    text, stamp = block.get_text(" ", strip=True), stamps(built_once)[page]
    assert stamp.source in text
    assert f"NumPy {stamp.environment.packages.numpy}" in text
    assert block.select_one(".computed-seconds").text == f"{stamp.seconds:.1f}"
    assert ("n = 10" in text) == (page == GAUSSIAN)


def test_the_stamp_is_the_only_place_of_the_duration(built_once):
    """Two builds give the same pages but for what the stamp says; so nothing else may say it."""
    stamp = stamps(built_once)[LOOP]
    block = provenance.block(stamp)
    assert provenance.block({**stamp, "seconds": 99.0}) == block.replace(
        f'seconds">{stamp.seconds:.1f}<', 'seconds">99.0<')


def test_another_environment_is_another_result(fresh, monkeypatch):
    before = execute.science_hash(fresh.project)
    other = {**provenance.environment(), "simd": ["none"]}
    monkeypatch.setattr(provenance, "environment", lambda: other)
    assert execute.science_hash(fresh.project) != before


def test_packages_that_are_not_there_are_left_out():
    assert provenance.installed(["numpy", "no-such-package"]).keys() == {"numpy"}
