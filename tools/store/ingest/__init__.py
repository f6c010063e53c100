"""How files become records: opened, cut, judged, handed out in chunks. `Reader` is the way in.

A file passes streams (bytes), then lines, documents, delimited or text (record texts), then judge (records or
rejects); Parquet and Arrow files pass columnar alone.
"""

from .chunks import Chunk as Chunk
from .chunks import FileRead as FileRead
from .chunks import ReadOptions as ReadOptions
from .chunks import Reject as Reject
from .chunks import Source as Source
from .chunks import import_with as import_with
from .files import expand as expand
from .files import find_files as find_files
from .files import is_remote as is_remote
from .reader import Reader as Reader
from .remote import fetch as fetch
