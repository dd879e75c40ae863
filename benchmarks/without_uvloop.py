"""mockserver as it is where the extra `fast` is not installed."""

import sys

# An import of a name that stands for None fails as if nothing were there.
sys.modules["uvloop"] = None  # type: ignore[assignment]

from mockserver.cli import main  # noqa: E402  (after the line above, which is the point)

if __name__ == "__main__":
    main()
