"""`python -m aecore`: the service from a terminal."""

import sys

from aecore.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
