"""Zip files that are the same bytes whenever their contents are the same."""

import io
import zipfile

_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip file can name


def zipped(files, *, stored=()):
    """The bytes of a zip file; `files` maps names inside it to paths or bytes.

    The names in `stored` come first, and are not compressed.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in [*stored, *sorted(files.keys() - set(stored))]:
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, wherever it is made: its permissions are
            entry.external_attr = 0o644 << 16
            content = files[name]
            archive.writestr(entry, content if isinstance(content, bytes) else
                             content.read_bytes())
    return buffer.getvalue()


def below(folder):
    """The files below a folder, by their names relative to it."""
    return {path.relative_to(folder).as_posix(): path
            for path in folder.rglob("*") if path.is_file()}
