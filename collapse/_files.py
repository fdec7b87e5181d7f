"""Files that appear whole or not at all."""

import os
import secrets
from pathlib import Path


def write(path, content):
    """Write bytes to a file beside ``path`` and move it there in one step.

    Its name until then is ``.<name>.<random>.part``. Whatever goes wrong, an interrupt from the
    keyboard too, nothing of it is left; an old file at ``path`` stays until the new one is whole.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with open(part, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
