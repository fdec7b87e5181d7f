"""`python -m collapse`, the same as the command `collapse`."""

import sys

from collapse.publishing.cli import main

if __name__ == "__main__":  # the guard keeps spawned worker processes from starting the command
    sys.exit(main())
