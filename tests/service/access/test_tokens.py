"""Tokens: created for a principal, listed without secrets, expired, revoked, and never written down."""

from __future__ import annotations

import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import RpcError, StatusCode, insecure_channel
from harness.api import Api, refusal, refused
from harness.server import ServerProcess
from muniment.v1 import access_service_pb2 as pb
from muniment.v1 import ledger_service_pb2, promotion_service_pb2

DEADLINE = 60.0


def create(api: Api, **fields: object) -> pb.Token:
    given = {"parent": api.parent(), "principal": "ann", "roles": [pb.ROLE_READER], **fields}
    return api.access.CreateToken(pb.CreateTokenRequest(**given))


def stamp(time: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(time)
    return made


def expiring(api: Api) -> pb.Token:
    """A token that is accepted for a moment; on a machine too busy to make it within one, for a longer one."""
    for seconds in (1, 5, 15):
        try:
            return create(api, expire_time=stamp(datetime.now(UTC) + timedelta(seconds=seconds)))
        except RpcError as error:
            if refusal(error).facts.get("field") != "expire_time":
                raise
    raise AssertionError("no token could be made in time")


def wait_until_refused(api: Api) -> str:
    """The reason for which a token is no longer accepted; a process may remember it for a moment."""
    until = time.monotonic() + DEADLINE
    while time.monotonic() < until:
        try:
            return refused(api.access.WhoAmI, pb.WhoAmIRequest()).reason
        except AssertionError:
            time.sleep(0.05)
    raise AssertionError("the token is still accepted")


def test_a_token_says_who_its_bearer_is(api: Api) -> None:
    token = create(api, roles=[pb.ROLE_WRITER, pb.ROLE_PROMOTER, pb.ROLE_WRITER])
    assert token.name.startswith(f"{api.parent()}/tokens/")
    assert token.secret.startswith("mun_")
    assert len(token.secret) >= 40
    assert list(token.roles) == [pb.ROLE_PROMOTER, pb.ROLE_WRITER]
    with api.as_caller(token.secret) as ann:
        identity = ann.access.WhoAmI(pb.WhoAmIRequest())
    assert identity.principal == "ann"
    assert [(grant.role, grant.project) for grant in identity.grants] == [
        (pb.ROLE_PROMOTER, api.parent()),
        (pb.ROLE_WRITER, api.parent()),
    ]


def test_the_admin_of_the_instance_has_its_role_everywhere(admin: Api) -> None:
    identity = admin.access.WhoAmI(pb.WhoAmIRequest())
    assert identity.principal == "admin"
    assert [(grant.role, grant.project) for grant in identity.grants] == [(pb.ROLE_ADMIN, "projects/-")]


def test_tokens_are_listed_newest_first_without_secrets(api: Api) -> None:
    made = [create(api, principal=name) for name in ("ann", "ben")]
    listed = api.access.ListTokens(pb.ListTokensRequest(parent=api.parent())).tokens
    assert [token.name for token in listed] == [made[1].name, made[0].name]
    assert {token.secret for token in listed} == {""}
    instance = api.access.ListTokens(pb.ListTokensRequest(parent="projects/-")).tokens
    assert all(token.name.startswith("projects/-/tokens/") for token in instance)


def test_a_revoked_token_is_refused_and_revoking_twice_is_fine(api: Api) -> None:
    token = create(api)
    with api.as_caller(token.secret) as ann:
        ann.access.WhoAmI(pb.WhoAmIRequest())
        revoked = api.access.RevokeToken(pb.RevokeTokenRequest(name=token.name))
        assert revoked.HasField("revoke_time")
        assert wait_until_refused(ann) == "TOKEN_INVALID"
    again = api.access.RevokeToken(pb.RevokeTokenRequest(name=token.name))
    assert again.revoke_time == revoked.revoke_time


def test_an_expired_token_is_refused(api: Api) -> None:
    token = expiring(api)
    assert token.HasField("expire_time")
    with api.as_caller(token.secret) as ann:
        assert wait_until_refused(ann) == "TOKEN_INVALID"


def test_revoked_expired_and_unknown_tokens_are_refused_alike(api: Api) -> None:
    revoked = create(api)
    api.access.RevokeToken(pb.RevokeTokenRequest(name=revoked.name))
    answers = []
    for secret in (revoked.secret, "mun_" + "x" * 43):
        with api.as_caller(secret) as caller:
            answers.append(refused(caller.access.WhoAmI, pb.WhoAmIRequest()))
    assert answers[0] == answers[1] == (StatusCode.UNAUTHENTICATED, "TOKEN_INVALID", {})


def test_a_token_that_cannot_be_is_refused(api: Api) -> None:
    for fields, field in (
        ({"roles": []}, "roles"),
        ({"roles": [pb.ROLE_UNSPECIFIED]}, "roles[0]"),
        ({"roles": [pb.ROLE_READER, 99]}, "roles[1]"),
        ({"expire_time": stamp(datetime(2020, 1, 1, tzinfo=UTC))}, "expire_time"),
        ({"expire_time": Timestamp(seconds=2**60)}, "expire_time"),
        ({"principal": ""}, "principal"),
        ({"principal": "a b"}, "principal"),
        ({"parent": "projects/-/models"}, "parent"),
        ({"parent": f"{api.parent()}/models/m"}, "parent"),
    ):
        given = {"parent": api.parent(), "principal": "ann", "roles": [pb.ROLE_READER], **fields}
        why = refused(api.access.CreateToken, pb.CreateTokenRequest(**given))
        assert why.code is StatusCode.INVALID_ARGUMENT, fields
        assert why.facts["field"] == field
    nowhere = pb.CreateTokenRequest(parent="projects/nowhere", principal="ann", roles=[pb.ROLE_READER])
    assert refused(api.access.CreateToken, nowhere).reason == "PROJECT_NOT_FOUND"


@pytest.mark.parametrize("tail", ["x", "0", "-1", "٣", "9" * 30, "", "1/2"])
def test_a_malformed_token_name_is_refused(api: Api, tail: str) -> None:
    why = refused(api.access.RevokeToken, pb.RevokeTokenRequest(name=f"{api.parent()}/tokens/{tail}"))
    assert why[:2] == (StatusCode.INVALID_ARGUMENT, "INVALID_NAME")


def test_a_token_is_revoked_only_through_its_own_project(api: Api) -> None:
    token = create(api)
    number = token.name.rpartition("/")[2]
    other = api.new_project()
    for parent in (f"projects/{other}", "projects/-", "projects/default"):
        why = refused(api.access.RevokeToken, pb.RevokeTokenRequest(name=f"{parent}/tokens/{number}"))
        assert why[:2] == (StatusCode.NOT_FOUND, "TOKEN_NOT_FOUND")
    with api.as_caller(token.secret) as ann:
        ann.access.WhoAmI(pb.WhoAmIRequest())


def test_an_admin_of_a_project_gives_no_rights_outside_of_it(api: Api) -> None:
    with api.as_caller(api.new_token("admin")) as local:
        assert local.new_token("admin", principal=f"another-of-{api.project}")
        everywhere = pb.CreateTokenRequest(parent="projects/-", principal="x", roles=[pb.ROLE_READER])
        assert refused(local.access.CreateToken, everywhere).reason == "PERMISSION_DENIED"
        listing = pb.ListTokensRequest(parent="projects/-")
        assert refused(local.access.ListTokens, listing).reason == "PERMISSION_DENIED"


def test_an_admin_of_a_project_cannot_speak_in_the_name_of_others(api: Api) -> None:
    stranger = f"ci-of-{api.project}"
    elsewhere = pb.CreateTokenRequest(
        parent=f"projects/{api.new_project()}", principal=stranger, roles=[pb.ROLE_WRITER]
    )
    api.access.CreateToken(elsewhere)
    with api.as_caller(api.new_token("admin", principal=f"local-{api.project}")) as local:
        for principal in ("admin", "system", stranger):
            why = refused(
                local.access.CreateToken,
                pb.CreateTokenRequest(parent=api.parent(), principal=principal, roles=[pb.ROLE_READER]),
            )
            assert why[:2] == (StatusCode.ALREADY_EXISTS, "NAME_TAKEN"), principal
        assert create(local, principal=f"ci-{api.project}").secret
    assert create(api, principal=stranger).secret, "who manages the whole registry may"


def test_a_revoked_token_ends_the_streams_it_opened(api: Api) -> None:
    token = create(api, principal=f"watcher-of-{api.project}")
    with api.as_caller(token.secret) as watcher:
        stream = watcher.promotion.Watch(
            promotion_service_pb2.WatchRequest(parent=api.parent(), heartbeat=Duration(seconds=1)), timeout=60
        )
        assert next(stream).revision
        api.access.RevokeToken(pb.RevokeTokenRequest(name=token.name))
        with pytest.raises(RpcError) as error:
            list(stream)
    assert refusal(error.value)[:2] == (StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")


def test_the_message_of_a_caller_without_a_token_is_not_read(registry: ServerProcess) -> None:
    with insecure_channel(registry.address, options=[("grpc.max_send_message_length", -1)]) as channel:
        call = channel.unary_unary("/muniment.v1.MetadataService/GetModel")
        with pytest.raises(RpcError) as error:
            call(bytes(100 * 1024 * 1024), timeout=60)  # over the limit of a message, which thus was not read
    assert refusal(error.value)[:2] == (StatusCode.UNAUTHENTICATED, "TOKEN_MISSING")


def test_the_admin_token_is_readable_by_its_owner_alone(registry: ServerProcess) -> None:
    assert stat.S_IMODE((registry.data / "admin-token").stat().st_mode) == 0o600
    assert stat.S_IMODE(registry.data.stat().st_mode) == 0o700


def test_secrets_are_in_no_file_table_entry_or_log(api: Api, registry: ServerProcess) -> None:
    token = create(api, request_id=f"secret-search-{api.project}")
    with api.as_caller(token.secret) as ann:
        ann.access.WhoAmI(pb.WhoAmIRequest())
        refused(ann.access.ListTokens, pb.ListTokensRequest(parent=api.parent()))
    secrets = [token.secret.encode(), registry.token.encode()]
    found = {
        path.relative_to(registry.data).as_posix()
        for path in registry.data.rglob("*")
        if any(secret in content_of(path) for secret in secrets)
    }
    assert found == {"admin-token"}
    assert not any(secret in registry.stderr.encode() for secret in secrets)
    request = ledger_service_pb2.ListEntriesRequest(parent="projects/-", page_size=1000, newest_first=True)
    bodies = b"".join(entry.body for entry in api.ledger.ListEntries(request).entries)
    assert b"mun_" not in bodies
    assert not any(secret in dump for dump in _tables(registry) for secret in secrets)


def content_of(path: Path) -> bytes:
    """What is in a file; nothing in one that a server at work has just replaced."""
    try:
        return path.read_bytes() if path.is_file() else b""
    except FileNotFoundError:
        return b""


def _tables(registry: ServerProcess) -> list[bytes]:
    """All rows of a PostgreSQL database as text; SQLite's are in the files searched above."""
    arguments = registry.process.popen.args
    assert isinstance(arguments, list)
    if "--database" not in arguments:
        assert Path(registry.data / "muniment.db").exists()
        return []
    url = arguments[arguments.index("--database") + 1]
    with psycopg.connect(url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        assert names
        dumps = []
        for (name,) in names:
            query = psycopg.sql.SQL("COPY {} TO STDOUT").format(psycopg.sql.Identifier(name))
            with connection.cursor() as cursor, cursor.copy(query) as copy:
                # Bytes are written as hexadecimal: a secret kept as bytes would show as its digits.
                raw = b"".join(copy)
            dumps += [raw, _unhexed(raw)]
        return dumps


def _unhexed(dump: bytes) -> bytes:
    found = []
    for field in dump.replace(b"\n", b"\t").split(b"\t"):
        if field.startswith(b"\\\\x"):
            found.append(bytes.fromhex(field[3:].decode()))
    return b"\n".join(found)
