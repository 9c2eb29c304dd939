"""`python -m tests.simulation --seeds 1000000`: many nights, as fast as the machine makes them."""

import sys

from tests.simulation.many_nights import main

if __name__ == "__main__":
    sys.exit(main())
