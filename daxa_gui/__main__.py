"""`python -m daxa_gui` is the `daxa-gui` command."""

import sys

from daxa_gui.app import main

sys.exit(main())
