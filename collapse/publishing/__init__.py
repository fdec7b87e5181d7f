"""Publishing: what turns the chapters into pages.

Chapters call two functions, `show` for a figure and `emit` for a number. Everything else here
(cache, staging, ledger, command line) is used by the command `collapse` only; the science of the
package never imports it.
"""

from collapse.publishing.page import emit, show

__all__ = ["emit", "show"]
