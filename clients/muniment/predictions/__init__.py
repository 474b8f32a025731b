"""Recording predictions from a process that serves a model: in the background, bounded, each kept once."""

from muniment.predictions.buffer import Policy
from muniment.predictions.recorder import CLOSE_SECONDS, DEFAULT_CAPACITY, PredictionRecorder

__all__ = ["CLOSE_SECONDS", "DEFAULT_CAPACITY", "Policy", "PredictionRecorder"]
