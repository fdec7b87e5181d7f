"""The book of this project, built when its pages are older than their sources."""

from pathlib import Path

import pytest

from book.checks import Site
from collapse.publishing.build import build, is_current
from collapse.publishing.project import Project


@pytest.fixture(scope="session")
def book():
    """The project, with pages that belong to its sources."""
    project = Project(Path(__file__).resolve().parents[2])
    if not is_current(project):
        build(project)
    return project


@pytest.fixture(scope="session")
def site(book):
    return Site(book.html)
