"""Push: hash, plan, send, commit, register. Each step may be repeated; only the last one makes a version."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from itertools import batched
from pathlib import Path

from muniment.errors import ChunkMissing, LimitExceeded, ModelNotFound, Unavailable
from muniment.names import ModelName
from muniment.provenance.code import code
from muniment.provenance.environment import environment
from muniment.registry.models import ensure_model
from muniment.registry.session import Session, new_request_id
