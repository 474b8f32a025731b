"""What is in the way on this machine."""

from __future__ import annotations

from muniment.errors.base import MunimentError


class LocalError(MunimentError):
    """Something on this machine is in the way; the registry has nothing to do with it."""


class SourceRefused(LocalError):
    """A file or directory cannot be pushed as it is."""


class SourceMissing(SourceRefused):
    """The path to push does not exist."""

    advice = "Check the path."


class EmptyDirectory(SourceRefused):
    """The directory to push holds no file."""

    advice = "Save the model there first."


class SymlinkRefused(SourceRefused):
    """A symbolic link leads out of the directory, in a circle, or nowhere."""

    advice = "Replace the link by what it should contain."


class FileChanged(LocalError):
    """A file changed while it was pushed; no version was created."""

    advice = "Push again when nothing writes to it any more."


class CannotRead(LocalError):
    """A local file or directory cannot be read."""

    advice = "Check that it exists and that you may read it."


class DestinationRefused(LocalError):
    """The destination of a pull is in use."""


class CannotWrite(LocalError):
    """A local file cannot be written."""

    advice = "Check permissions and free space; nothing was left half-written."


class CacheRefused(LocalError):
    """The cache of pulled files cannot be used."""

    advice = "Name a directory of your own (MUNIMENT_CACHE or --cache), or 'off' for none."


class LedgerUnproven(LocalError):
    """What a registry shows of its ledger does not prove it."""

    advice = "Keep what you have, and ask the registry's operator; do not go on as if it were proved."


class RegistryClosed(LocalError):
    """The connection was closed."""

    advice = "Connect again."


class TokenInClear(LocalError):
    """A token would travel to another machine unencrypted."""

    advice = (
        "Name the file of the authority that signed the registry's certificate (MUNIMENT_CA_FILE or --ca-file), "
        "or 'system' for those this machine trusts; if the way there is private, say so (MUNIMENT_INSECURE=1 or "
        "--insecure)."
    )


class ServerNotInstalled(LocalError):
    """An embedded registry needs the server's packages."""

    advice = "Install muniment[server], or connect to a registry that is running."


class ServerNotStarted(LocalError):
    """An embedded server did not start."""


class BufferFull(LocalError):
    """A recorder of predictions holds all it may, and its policy is to raise."""

    advice = "Record again later, take another policy, or give the recorder more capacity."
