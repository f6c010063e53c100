"""A version as files for a trainer: written, proved to load, and put in place as one folder."""

from __future__ import annotations

from .folder import default_folder, place, temporary_for
from .options import Options, options
from .splits import earlier
from .write import File, Loss, Written, write_data

__all__ = [
    "File",
    "Loss",
    "Options",
    "Written",
    "default_folder",
    "earlier",
    "options",
    "place",
    "temporary_for",
    "write_data",
]
