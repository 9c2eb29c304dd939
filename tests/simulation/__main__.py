"""`python -m tests.simulation --seeds 1000000`: many nights, as fast as the machine makes them."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

if __name__ == "__main__":
    from many_nights import main

    sys.exit(main())
