"""What every face calls: a conversation with a workspace as a stream of events.

It knows turns: who answers them, in which thread tools run, who is asked before one acts, and how a turn ends. The graph
of a turn is `chat`, what needs a person `approval`; it draws nothing.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..prompts import Prompts
from ..prompts.fences import fenced
from ..tools.context import Model
from ..tools.errors import Misuse, TilthError
from . import approval, offered, sessions_of, told
from .approval import Approved
from .config import Sight
from .events import Event, Failed, Metered, Noticed, Progressed, Ruled
from .models import connections
from .models.budget import Budget, Caps
from .offered import Desk, Planned
from .session import Grant, Line, Session, Usage
from .told import Told
from .toolbox import Origin
from .window import Meter, Part, Window

if TYPE_CHECKING:
    from .models.connections import Connections, Reference
    from .workspace import Workspace
