"""The page of planted errors: all of them, and for every claim what would refuse a wrong one."""

import pytest

from collapse.publishing import ledger, mutants
from collapse.publishing.build import load_ledger


@pytest.fixture
def page(site):
    return site.pages["book/appendix/mutants.html"]


def test_every_error_is_on_the_page_with_the_test_that_catches_it(book, page):
    caught = {tuple(code.text for code in item.find_all("code")) for item in page.find_all("li")}
    for mutant in mutants.load(book):
        name = mutant["target"].rpartition(".")[2]
        test = mutant["killed_by"].removeprefix("tests/").split("[")[0].split("::")
        assert (name, *test) in caught, mutant["id"]


def test_no_claim_is_without_power(book, page):
    claims = [row for row in load_ledger(book)
              if row["status"] == "closed" and row["kind"] not in ("figure", "definition")]
    assert len(claims) > 100
    for row in claims:
        [link] = page.select(f'li a[href$="#{ledger.anchor(row["id"])}"]')
        said = link.find_parent("li")
        assert len(said.text) > len(row["id"]) + 3, row["id"]
        assert said.find("strong") is None, f"{row['id']}: no check would refuse a changed claim"
