"""What a push records by itself: the code that ran and where it ran.

A push must never fail, or wait, because of this: whatever cannot be found out in a few seconds is left out.
"""

from muniment.provenance.code import find_code
from muniment.provenance.environment import find_environment

__all__ = ["find_code", "find_environment"]
