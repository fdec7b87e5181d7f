"""Papermill's engine, without the two copies of the notebook that it writes to disk for each cell.

With figures in it they took a tenth of the time of a chapter. Nobody reads them, but for the last
one where a notebook could not be executed to its end.
"""

import nbformat
from papermill.engines import NBClientEngine, papermill_engines

NAME = "book"


class Engine(NBClientEngine):
    """For `execute_notebook(..., engine_name=NAME, request_save_on_cell_execute=False)`."""

    @classmethod
    def execute_managed_notebook(cls, nb_man, *arguments, unfinished, **options):
        """Execute; on an error other than a cell's own write what there is to `unfinished`."""
        try:
            super().execute_managed_notebook(nb_man, *arguments, **options)
        except Exception:
            nbformat.write(nb_man.nb, unfinished)
            raise


papermill_engines.register(NAME, Engine)
