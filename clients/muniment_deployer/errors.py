"""What can go wrong in a deployment, as sentences an operator can act on.

::

    DeployerError
    ├── DeploymentFailed       this version cannot be brought up here; what ran before stays
    │   └── DamagedVersion     files on disk are not the ones that were pulled
    ├── WatchEnded             the stream of events stopped without an error
    ├── WrongDirectory         the directory belongs to another deployer, model or stage
    └── PredictionError
        ├── BadRows            the caller's rows do not fit the model
        ├── ModelFailed        the model raised on rows that fit
        └── NotAnswering       no worker is ready right now
"""

from __future__ import annotations


class DeployerError(Exception):
    """Base of what this package raises on purpose; the text is a sentence."""


class DeploymentFailed(DeployerError):
    """The version cannot be brought up here."""


class DamagedVersion(DeploymentFailed):
    """A version on disk is not what was pulled."""


class WatchEnded(DeployerError):
    """The stream of events stopped without an error and without being asked to."""


class WrongDirectory(DeployerError):
    """The directory cannot be used by this deployer."""


class PredictionError(DeployerError):
    """A request was not answered with predictions."""


class BadRows(PredictionError):
    """The rows do not fit the model."""


class ModelFailed(PredictionError):
    """The model raised an exception on rows that fit."""


class NotAnswering(PredictionError):
    """No worker is ready: nothing is deployed yet, or the worker is being restarted."""
