"""The HTTP endpoint: ``POST /predict``, ``GET /healthz``, ``GET /version``.

It parses and checks requests and hands rows to the worker in the slot; it never touches a model file. Every
refusal is ``{"error": "<a sentence>"}``. An answer whose prediction was recorded has its id in the header
``muniment-prediction``: the registry knows the sha256 of the bodies of request and answer under it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from muniment_deployer.errors import BadRows, ModelFailed, NotAnswering
from muniment_deployer.requests import MAX_BODY_BYTES, parse_rows
from muniment_deployer.slot import Slot

PREDICTION_HEADER = "muniment-prediction"
MAX_CONCURRENT = 64
"""Predictions under way at once. Each holds a body of at most 1 MiB; one worker answers them in turn."""
BODY_SECONDS = 30.0
"""A client that takes longer to send 1 MiB gives its place to another."""


class _TooLarge(Exception):
    pass


class Endpoint:
    """The routes over one slot.

    Args:
        slot: holds the worker.
        model: name of the model, as callers see it.
        stage: stage that is followed.
        record: told of each prediction the version's number and the bytes of request and answer; it must never
            wait. Its answer is the prediction's id, which callers find in a header.
    """

    def __init__(
        self,
        slot: Slot,
        *,
        model: str,
        stage: str,
        record: Callable[[int, bytes, bytes], str | None] = lambda _number, _asked, _answered: None,
    ) -> None:
        self._slot = slot
        self._record = record
        self._model = model
        self._stage = stage
        self._under_way = 0

    @property
    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/predict", self._predict, methods=["POST"]),
                Route("/healthz", self._healthz, methods=["GET"]),
                Route("/version", self._version, methods=["GET"]),
            ],
            exception_handlers={HTTPException: _http_error},
        )

    async def _predict(self, request: Request) -> Response:
        if self._under_way >= MAX_CONCURRENT:
            return _refusal(503, f"{MAX_CONCURRENT} predictions are under way already: ask again in a moment")
        self._under_way += 1
        try:
            # Not wait_for: before Python 3.12 it may lose a cancellation.
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read_body(request)
            answer = await self._slot.predict(parse_rows(body))
        except _TooLarge:
            return _refusal(413, f"the body is over the limit of {MAX_BODY_BYTES} bytes")
        except TimeoutError:
            return _refusal(408, f"the body did not arrive within {BODY_SECONDS:g} seconds")
        except ClientDisconnect:
            return _refusal(400, "the body ended early")
        except BadRows as error:
            return _refusal(400, str(error))
        except ModelFailed as error:
            return _refusal(500, str(error))
        except NotAnswering as error:
            return _refusal(503, str(error))
        finally:
            self._under_way -= 1
        response = JSONResponse(
            {
                "predictions": answer.predictions,
                "model": self._model,
                "version": answer.version.number,
                "digest": answer.version.digest,
            }
        )
        # The id stands beside the answer and not in it: what is recorded is the answer byte for byte.
        prediction_id = self._record(answer.version.number, body, bytes(response.body))
        if prediction_id is not None:
            response.headers[PREDICTION_HEADER] = prediction_id
        return response

    async def _healthz(self, request: Request) -> Response:  # noqa: ARG002
        if self._slot.answering:
            return JSONResponse({"status": "ok"})
        if self._slot.version:
            return _refusal(503, "the model's process is being restarted")
        return _refusal(503, "no version is deployed yet")

    async def _version(self, request: Request) -> Response:  # noqa: ARG002
        version = self._slot.version
        if version is None:
            return _refusal(503, "no version is deployed yet")
        return JSONResponse(
            {
                "model": self._model,
                "stage": self._stage,
                "version": version.number,
                "digest": version.digest,
                "worker_pid": self._slot.worker_pid,
            }
        )


async def _read_body(request: Request) -> bytes:
    """The body, never holding more than the limit."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 15 or int(declared) > MAX_BODY_BYTES):
        raise _TooLarge
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise _TooLarge
    return bytes(body)


def _refusal(status: int, sentence: str) -> Response:
    headers = {"retry-after": "1"} if status == 503 else None
    return JSONResponse({"error": sentence}, status_code=status, headers=headers)


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    paths = "POST /predict, GET /healthz and GET /version"
    return _refusal(status, f"{request.method} {request.url.path} is not answered here; {paths} are")
