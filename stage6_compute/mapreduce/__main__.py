"""Jobs on real files: ``python -m stage6_compute.mapreduce --help``."""

import sys

from stage6_compute.mapreduce.front.command import main

if __name__ == "__main__":
    sys.exit(main())
