"""``muniment-deployer``: the command line."""

from __future__ import annotations

import logging
import re
import socket
import sys
from pathlib import Path

import click
import muniment
from muniment import errors
from muniment.names import InvalidName, check_name, check_pointer_name

from muniment_deployer.errors import DeployerError
from muniment_deployer.process import Assignment, run


def _address(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, int] | None:
    if value is None:
        return None
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or len(port) > 5 or int(port) > 65_535:
        raise click.BadParameter(
            f"{value!r} is not HOST:PORT, for example 127.0.0.1:8000; port 0 picks a free one",
            ctx=context,
            param=parameter,
        )
    return host.removeprefix("[").removesuffix("]"), int(port)


def _directory(context: click.Context, parameter: click.Parameter, value: str) -> Path:
    if not value:
        # As a rule a variable that was never set; the directory one works in is nobody's wish.
        raise click.BadParameter("it is empty, while a path is needed.", ctx=context, param=parameter)
    return Path(value)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--model", required=True, metavar="NAME", help="Model to follow.")
@click.option("--stage", default="production", metavar="NAME", help="Stage to follow.")
@click.option(
    "--into",
    required=True,
    metavar="DIR",
    type=click.Path(file_okay=False),
    callback=_directory,
    help="Directory for the versions; DIR/current leads to the one that runs.",
)
@click.option(
    "--serve",
    callback=_address,
    metavar="HOST:PORT",
    help="Also answer predictions of a scikit-learn model over HTTP there. It asks for no credentials: "
    "listen on loopback, or behind something that does.",
)
@click.option(
    "--name", metavar="NAME", help="What the registry calls this deployment. [default: HOST-MODEL-STAGE]"
)
@click.option("--target", envvar="MUNIMENT_TARGET", metavar="TARGET", help="Registry: HOST:PORT or file:DIR.")
@click.option(
    "--token", envvar="MUNIMENT_TOKEN", metavar="TOKEN", help="Token; it needs the role controller."
)
@click.option("--project", envvar="MUNIMENT_PROJECT", metavar="NAME", help="Project of the model.")
@click.option(
    "--ca-file",
    envvar="MUNIMENT_CA_FILE",
    metavar="FILE",
    help="Certificates that may vouch for the registry; 'system': those this machine trusts.",
)
@click.option(
    "--insecure",
    envvar="MUNIMENT_INSECURE",
    is_flag=True,
    help="Send the token to another machine without TLS, too.",
)
def command(
    model: str,
    stage: str,
    into: Path,
    serve: tuple[str, int] | None,
    name: str | None,
    target: str | None,
    token: str | None,
    project: str | None,
    ca_file: str | None,
    insecure: bool,
) -> None:
    """Keep DIR, and with --serve an HTTP endpoint, equal to a stage of a model.

    Each move of the stage is pulled, checked against its digests and tested before it takes over. When that
    fails, what ran before keeps running. Stop it with SIGTERM.
    """
    try:
        check_name("model", model)
        check_pointer_name("stage", stage)
        name = check_name("deployment", name or _default_name(model, stage))
    except InvalidName as error:
        raise click.ClickException(str(error)) from error
    try:
        with muniment.connect(
            target, token=token, project=project, ca_file=ca_file, insecure=insecure
        ) as registry:
            run(registry, Assignment(model=model, stage=stage, into=into.absolute(), name=name, serve=serve))
    except errors.MunimentError as error:
        raise click.ClickException(error.diagnostics()) from error
    except (DeployerError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _default_name(model: str, stage: str) -> str:
    host = re.sub(r"[^A-Za-z0-9-]+", "-", socket.gethostname().split(".")[0]).strip("-") or "host"
    return f"{host[:40]}-{model[:60]}-{stage}"[:128].rstrip("._-")


def main() -> None:
    """Entry point of ``muniment-deployer``."""
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    command(prog_name="muniment-deployer")
