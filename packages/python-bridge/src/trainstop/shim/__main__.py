"""`python -I -m trainstop.shim RUN_DIR`."""

import sys

from trainstop.shim.launch import launch

if __name__ == "__main__":
    sys.exit(launch(sys.argv[1:]))
