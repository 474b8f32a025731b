"""Every setting of the server, each once.

A setting is an option of the command line, the environment variable ``MUNIMENT_`` + its name, or a key of the
TOML file given with ``--config``; the first of these that is there counts. ``--insecure`` has another variable.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import click
from muniment.ledger.keys import InvalidKey, check_key_name
from muniment.local import default_data_dir

from muniment_server.anchor_place import AnchorPlace, Bucket
from muniment_server.span import GRACE, Span

DEFAULT_LISTEN = "127.0.0.1:7460"
MAX_ORIGIN = 250

F = TypeVar("F", bound=Callable[..., Any])


class Service(StrEnum):
    """What a process serves."""

    ALL = "all"
    METADATA = "metadata"
    ARTIFACT = "artifact"
    PROMOTION = "promotion"


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings:
    """Where data is kept; needed by every command.

    Attributes:
        data: the data directory.
        database: address of a PostgreSQL database, or empty for SQLite in the data directory.
        s3_bucket: bucket for bytes, or empty for the data directory.
        s3_deadline: seconds that a request to the S3 service may take with all its repeats.
        s3_direct: whether clients get addresses of the S3 service itself.
        s3_public_endpoint: where they reach it, with or without a scheme, or empty for the endpoint.
        cold_dir: directory of the cold tier, or None for one beside the models.
        cold_s3_bucket: bucket of the cold tier, at the same S3 service, or empty for that of the models.
        drop_archived: whether the bytes of archived versions are given up instead.
        signing_key: file of the log's private key, or None for the one in the data directory.
        anchor: file or bucket that keeps the newest checkpoint, or None for where the bytes are.
        log_origin: name of a log that is begun, or empty for a random one.
    """

    data: Path
    database: str
    s3_endpoint: str
    s3_bucket: str
    s3_region: str
    s3_access_key: str
    s3_secret_key: str
    s3_plain_http: bool
    s3_deadline: float = 25.0
    s3_direct: bool = False
    s3_public_endpoint: str = ""
    cold_dir: Path | None = None
    cold_s3_bucket: str = ""
    drop_archived: bool = False
    signing_key: Path | None
    anchor: Path | Bucket | None
    log_origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSettings:
    """How a process serves.

    Attributes:
        artifact_peer: address of the artifact service, or empty when this process is it.
        grace: seconds that calls in flight have to finish at a stop.
        until_idle: stop when no embedded client is left.
        prediction_days: how long predictions are kept; 0: for ever.
        gc_every: how often to give back the space of bytes that nothing needs; None: never.
        gc_grace: how long such bytes are kept.
    """

    listen: str
    service: Service
    artifact_peer: str
    insecure: bool
    grace: float
    until_idle: bool
    prediction_days: int
    gc_every: timedelta | None
    gc_grace: timedelta


class _Place(click.Path):
    """A path that people chose; what is empty is as a rule a variable that was never set."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        text = str(value)
        if not text:
            self.fail("it is empty, while a path is needed.", param, ctx)
        if any("\ud800" <= character <= "\udfff" for character in text):
            self.fail(f"{text!r} is not UTF-8: give another path.", param, ctx)
        return super().convert(value, param, ctx)


class _Setting(click.Option):
    """An option that the environment and the file can set, too; what a command alone is asked is none."""


def _settings_of(command: click.Command) -> set[str]:
    return {str(option.name) for option in command.params if isinstance(option, _Setting)}


def _load_file(context: click.Context, _option: click.Parameter, path: Path | None) -> None:
    """Make the keys of a TOML file the defaults of the options: those the command has, for all share one file."""
    if path is None:
        return
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise click.BadParameter(f"{path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise click.BadParameter(f"{path} cannot be read: {error}") from None
    # What serves has every setting there is.
    unknown = sorted(set(values) - _settings_of(click.command()(serve_options(lambda **_values: None))))
    if unknown:
        raise click.BadParameter(
            f"{path} sets {', '.join(unknown)}, which muniment-server does not know: "
            "'muniment-server serve --help' lists all settings"
        )
    taken = _settings_of(context.command)
    context.default_map = {name: value for name, value in values.items() if name in taken}


def _key_name(_context: click.Context, _option: click.Parameter, name: str) -> str:
    if len(name) > MAX_ORIGIN:
        raise click.BadParameter(f"it has {len(name)} characters, while {MAX_ORIGIN} are the most")
    try:
        return name and check_key_name(name)
    except InvalidKey as error:
        raise click.BadParameter(str(error)) from None


def _option(name: str, *, variable: str = "", **attributes: Any) -> Callable[[F], F]:
    variable = variable or "MUNIMENT_" + name.removeprefix("--").upper().replace("-", "_")
    return click.option(name, cls=_Setting, envvar=variable, show_envvar=True, **attributes)


_CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="MUNIMENT_CONFIG",
    show_envvar=True,
    is_eager=True,
    expose_value=False,
    callback=_load_file,
    help="TOML file with settings, named as the options with _ for -; all commands can share it.",
)

_STORAGE = (
    _CONFIG,
    _option(
        "--data",
        type=_Place(path_type=Path, file_okay=False),
        default=default_data_dir,
        show_default="~/.local/share/muniment",
        help="Data directory: database, bytes and admin token, as far as they are not elsewhere.",
    ),
    _option(
        "--database",
        default="",
        help="PostgreSQL address, postgresql://…  [default: SQLite in the data directory]",
    ),
    _option(
        "--s3-endpoint",
        default="s3.amazonaws.com",
        show_default=True,
        help="Host and port of the S3 service.",
    ),
    _option("--s3-bucket", default="", help="S3 bucket for bytes.  [default: the data directory]"),
    _option("--s3-region", default="us-east-1", show_default=True, help="S3 region."),
    _option("--s3-access-key", default="", help="S3 access key."),
    _option("--s3-secret-key", default="", help="S3 secret key; better given in the environment."),
    _option("--s3-plain-http", is_flag=True, help="Speak to the S3 service without TLS."),
    _option(
        "--s3-direct",
        is_flag=True,
        help="Let clients get bytes from the S3 service itself, by addresses that are signed for minutes.",
    ),
    _option(
        "--s3-public-endpoint",
        default="",
        help="Address at which clients reach the S3 service, such as https://s3.example.com.  "
        "[default: as the server does]",
    ),
    _option(
        "--s3-deadline",
        type=click.FloatRange(min=1, max=600),
        default=25.0,
        show_default=True,
        help="Seconds that a request to the S3 service may take, its repeats included; clients take a transfer "
        "for dead after 30.",
    ),
    _option(
        "--cold-dir",
        type=_Place(path_type=Path, file_okay=False),
        help="Directory, of this registry alone, for the bytes of archived versions, best on a disk that costs "
        "less.  "
        "[default: cold, in the data directory or in the bucket]",
    ),
    _option(
        "--cold-s3-bucket",
        default="",
        help="S3 bucket for the bytes of archived versions, at the same S3 service; below cold/, which is to be "
        "of this registry alone.",
    ),
    _option(
        "--drop-archived",
        is_flag=True,
        help="Give the bytes of archived versions up; only pushing the same files again brings them back.",
    ),
    _option(
        "--signing-key",
        type=_Place(path_type=Path, dir_okay=False),
        help="PEM file of the Ed25519 key that signs the ledger.  "
        "[default: signing-key.pem in the data directory, made by the first start]",
    ),
    _option(
        "--anchor",
        type=AnchorPlace(),
        metavar="FILE|s3://BUCKET[/PREFIX]",
        help="Where the newest signed checkpoint is kept, best on another disk than the database: it tells when "
        "that was replaced by an older copy. A bucket, at the same S3 service, serves all processes of a "
        "registry, below anchor/, which is to be of this registry alone.  [default: anchor, in the data directory "
        "or in the bucket]",
    ),
    _option(
        "--log-origin",
        default="",
        callback=_key_name,
        help="Name of the ledger in its checkpoints, such as example.com/registry; for the first start.  "
        "[default: a random one]",
    ),
)

_SERVE = (
    _option(
        "--listen", default=DEFAULT_LISTEN, show_default=True, help="Address to serve on; port 0 picks one."
    ),
    _option(
        "--service",
        type=click.Choice([service.value for service in Service]),
        default=Service.ALL.value,
        show_default=True,
        help="What this process serves.",
    ),
    _option(
        "--artifact-peer",
        default="",
        help="Address of the artifact service, for a metadata or promotion service of its own.  "
        "[default: this process]",
    ),
    _option(
        "--insecure",
        # MUNIMENT_INSECURE lets clients send their token in the clear, and is no leave for a server beside them.
        variable="MUNIMENT_LISTEN_INSECURE",
        is_flag=True,
        help="Serve on a non-loopback address without TLS.",
    ),
    _option(
        "--grace",
        type=click.FloatRange(min=0, max=3600),
        default=10.0,
        show_default=True,
        help="Seconds that calls in flight have to finish at a stop.",
    ),
    _option(
        "--prediction-days",
        type=click.IntRange(min=0, max=36_500),
        default=0,
        show_default="for ever",
        help="Days that predictions are kept; what proves them stays.",
    ),
    _option(
        "--gc-every",
        type=Span(),
        metavar="SPAN",
        help="How often to give back the space of bytes nothing needs, such as 12h.  "
        "[default: never, see muniment-server gc]",
    ),
    _option(
        "--gc-grace",
        type=Span(),
        metavar="SPAN",
        default=GRACE,
        show_default="1d",
        help="How long such bytes are kept; longer than any push takes.",
    ),
    click.option("--until-idle", is_flag=True, hidden=True, help="Stop when no embedded client is left."),
)


def storage_options(command: F) -> F:
    """Give a command the storage settings, as keyword arguments."""
    for option in reversed(_STORAGE):
        command = option(command)
    return command


def serve_options(command: F) -> F:
    """Give a command the storage and serving settings, as keyword arguments."""
    for option in reversed(_SERVE):
        command = option(command)
    return storage_options(command)


def storage_settings(values: dict[str, Any]) -> StorageSettings:
    """The storage settings among a command's arguments.

    Raises:
        click.UsageError: if one of them needs another that is missing.
    """
    names = StorageSettings.__dataclass_fields__
    settings = StorageSettings(**{name: values[name] for name in names})
    if settings.database and not settings.database.startswith("postgresql"):
        raise click.UsageError(
            "--database takes a postgresql:// address; SQLite is used without it, in the data directory, whose "
            "lock keeps a second server away"
        )
    for option in ("s3_bucket", "cold_s3_bucket"):
        if values[option] and not (settings.s3_access_key and settings.s3_secret_key):
            raise click.UsageError(f"--{option.replace('_', '-')} needs --s3-access-key and --s3-secret-key")
    if isinstance(settings.anchor, Bucket) and not (settings.s3_access_key and settings.s3_secret_key):
        raise click.UsageError(f"--anchor {settings.anchor} needs --s3-access-key and --s3-secret-key")
    if settings.cold_s3_bucket and settings.cold_dir is not None:
        raise click.UsageError("--cold-dir and --cold-s3-bucket are two places for one thing: give one")
    if settings.cold_dir is not None:
        data, cold = settings.data.resolve(), settings.cold_dir.resolve()
        if cold in (data, data / "predictions") or data.is_relative_to(cold):
            raise click.UsageError(
                f"--cold-dir {cold} is where other bytes of {data} are kept: give a directory of its own"
            )
    return settings


def serve_settings(values: dict[str, Any]) -> ServeSettings:
    """The serving settings among a command's arguments.

    Raises:
        click.UsageError: if they contradict each other.
    """
    names = ServeSettings.__dataclass_fields__
    settings = ServeSettings(
        **{**{name: values[name] for name in names}, "service": Service(values["service"])}
    )
    if settings.service is not Service.ALL and not values["database"]:
        raise click.UsageError("--service needs --database: one SQLite file cannot serve several processes")
    if settings.service in (Service.PROMOTION, Service.METADATA) and not settings.artifact_peer:
        raise click.UsageError(
            f"--service {settings.service} needs --artifact-peer: it has bytes verified before a stage moves, or "
            "brought back before an archived version is READY"
        )
    return settings
