"""The version of tilth, in the one place that every layer may read."""

from typing import Final

VERSION: Final = "0.1.0"
