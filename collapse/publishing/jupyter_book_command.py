"""The command of Jupyter Book, run as a script by `render`, and twice as fast as without.

For each reference to a figure by its number Sphinx reads all of the page with the figure anew, for
each citation pybtex looks through all installed packages, the words of each page are brought to
their stems anew, and Python looks for garbage every few hundred objects while Sphinx makes millions
that stay.
"""

import gc
from functools import cache, lru_cache

import pybtex.plugin
from jupyter_book.cli.main import main
from sphinx.domains.std import StandardDomain
from sphinx.search.en import SearchEnglish

_resolve = StandardDomain.resolve_xref


class _Remembering:
    """An environment of Sphinx that keeps the pages that were read last."""

    def __init__(self, environment):
        self._environment = environment
        self.get_doctree = lru_cache(maxsize=8)(environment.get_doctree)

    def __getattr__(self, name):
        return getattr(self._environment, name)


_remembering = lru_cache(_Remembering)


def _resolve_faster(self, env, fromdocname, builder, typ, *rest):
    # Only here: who asks for a page elsewhere may change it.
    env = _remembering(env) if typ == "numref" else env
    return _resolve(self, env, fromdocname, builder, typ, *rest)


if __name__ == "__main__":
    StandardDomain.resolve_xref = _resolve_faster
    pybtex.plugin.find_plugin = cache(pybtex.plugin.find_plugin)
    SearchEnglish.stem = cache(SearchEnglish.stem)
    gc.set_threshold(100_000, 50, 100)
    main()
