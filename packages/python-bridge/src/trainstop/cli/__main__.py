"""`python -m trainstop.cli`"""

import sys

from trainstop.cli.main import main

sys.exit(main())
