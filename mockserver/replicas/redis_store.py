"""The store on Redis or Valkey: each operation is one Lua script, so it happens whole or not at all."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import secrets
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

from mockserver.errors import invalid
from mockserver.replicas.pipe import CommandPipe, packed
from mockserver.replicas.store import (
    DEAD_S,
    FORMAT,
    GONE_S,
    MOST_BLOCKS,
    AddedGroup,
    Beat,
    EntryGroup,
    Facts,
    History,
    Member,
    OwnerClaim,
    StoreAwayError,
    StoreIsFullError,
    StoreRefusedError,
    Written,
)
from mockserver.settings import without_password

log = logging.getLogger("mockserver")
T = TypeVar("T")

SCHEMES = ("redis", "rediss", "unix")
TIMEOUT_S = 1.0
_MOST_NAMED = 20
_LEAST = {"redis": (6, 2), "valkey": (7, 2)}
_AWAY = ("LOADING", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "NOREPLICAS", "TRYAGAIN", "BUSY")

_NOW = "local time = redis.call('TIME'); local now = tonumber(time[1]) + tonumber(time[2]) / 1000000\n"

_JOIN = (
    _NOW
    + """
local meta, members, beats = KEYS[1], KEYS[2], KEYS[3]
local format = redis.call('HGET', meta, 'format')
if format and format ~= ARGV[1] then return {'format', format} end
if not format then redis.call('HSET', meta, 'format', ARGV[1], 'run', ARGV[2], 'secret', ARGV[3]) end
local files = redis.call('HGET', meta, 'files')
local is_alone = true
local heard = redis.call('HVALS', beats)
for i = 1, #heard do
  if now - tonumber(heard[i]) <= tonumber(ARGV[8]) then is_alone = false end
end
if not files or is_alone or ARGV[6] == '1' then
  redis.call('HSET', meta, 'files', ARGV[5])
elseif files ~= ARGV[5] then
  return {'files', files}
end
redis.call('HSET', members, ARGV[4], ARGV[7])
redis.call('HSET', beats, ARGV[4], string.format('%.6f', now))
return {'joined', string.format('%.6f', now), redis.call('HGET', meta, 'run'), redis.call('HGET', meta, 'secret'),
        redis.call('HGETALL', members), redis.call('HGETALL', beats)}
"""
)

_BEAT = (
    _NOW
    + """
local meta, members, beats = KEYS[1], KEYS[2], KEYS[3]
redis.call('HDEL', beats, '')  -- takes no memory; after it, a full store refuses no other write of this script
local all = redis.call('HGETALL', beats)
for i = 1, #all, 2 do
  if now - tonumber(all[i + 1]) > tonumber(ARGV[3]) then
    redis.call('HDEL', beats, all[i])
    redis.call('HDEL', members, all[i])
  end
end
local known = redis.call('HEXISTS', beats, ARGV[1])
if known == 1 then
  redis.call('HSET', members, ARGV[1], ARGV[2])
  redis.call('HSET', beats, ARGV[1], string.format('%.6f', now))
end
return {string.format('%.6f', now), redis.call('HGET', meta, 'run') or '', known,
        redis.call('HGETALL', members), redis.call('HGETALL', beats), redis.call('HGET', meta, 'files') or ''}
"""
)

_CLAIM = (
    _NOW
    + """
local head, beats, names = KEYS[1], KEYS[2], KEYS[3]
local name, me, epoch, facts, dead = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
if redis.call('HEXISTS', beats, me) == 0 then return {'unknown'} end
local existed = redis.call('HEXISTS', names, name)
if existed == 0 then
  if facts == '' then return {'none'} end
  redis.call('HSET', names, name, facts)
end
local kept = redis.call('HGET', names, name)
local owner = redis.call('HGET', head, 'owner') or ''
local is_old = redis.call('HGET', head, 'epoch') or ''
if existed == 1 and ARGV[6] == '1' then return {'other', owner, is_old, kept} end
local beat = owner ~= '' and owner ~= me and redis.call('HGET', beats, owner)
if beat and now - tonumber(beat) <= dead then return {'other', owner, is_old, kept} end
redis.call('HSET', head, 'owner', me, 'epoch', epoch, 'seq', '0', 'token', '')
return {existed == 1 and 'taken' or 'made', me, epoch, kept}
"""
)

_WRITE = """
local head = redis.call('HMGET', KEYS[1], 'epoch', 'seq')
if not head[1] then return 'gone' end
if head[1] ~= ARGV[1] then return 'fenced' end
local had, number = tonumber(head[2]), tonumber(ARGV[2])
if number <= had then return 'done' end
if number ~= had + 1 then return 'gone' end
if ARGV[4] ~= '' then redis.call('RPUSH', KEYS[2], ARGV[4]) end
redis.call('HSET', KEYS[1], 'seq', ARGV[2], 'token', ARGV[3])
return 'done'
"""

_ADD = """
local writer = 'writer:' .. ARGV[2]
local head = redis.call('HMGET', KEYS[1], 'token', writer)
if tonumber(head[2] or '0') >= tonumber(ARGV[3]) then return 'done' end
if head[1] ~= ARGV[1] then return 'closed' end
redis.call('RPUSH', KEYS[2], ARGV[4])
redis.call('HSET', KEYS[1], writer, ARGV[3])
return 'done'
"""

_BLOCKS = """
local head = redis.call('HMGET', KEYS[1], 'epoch', 'position')
if not head[1] then return {'gone', {}} end
if head[1] ~= ARGV[1] then return {'fenced', {}} end
local start = tonumber(ARGV[2]) - tonumber(head[2] or '0')
return {'done', redis.call('LRANGE', KEYS[2], start, start + tonumber(ARGV[3]) - 1)}
"""

_CHECKPOINT = """
local head, log, base, newest = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local epoch = redis.call('HGET', head, 'epoch')
if not epoch then return 'gone' end
if epoch ~= ARGV[1] then return 'fenced' end
local last = redis.call('HGET', head, 'newest')
if last then
  if tonumber(ARGV[2]) <= tonumber(last) then return 'done' end
  local position = tonumber(redis.call('HGET', head, 'position') or '0')
  redis.call('RENAME', newest, base)
  redis.call('LTRIM', log, tonumber(last) - position, -1)
  redis.call('HSET', head, 'position', last)
end
redis.call('SET', newest, ARGV[3])
redis.call('HSET', head, 'newest', ARGV[2])
return 'done'
"""

_REMOVE = """
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then return 'gone' end
if epoch ~= ARGV[1] then return 'fenced' end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
redis.call('HDEL', KEYS[5], ARGV[2])
return 'done'
"""


class RedisStore:
    """
    `url` is redis://, rediss:// or unix://, with user, password and database. All keys begin with `prefix`.

    Raises InvalidInputError for a URL that can't be used, and ImportError without the package redis.
    """

    def __init__(self, url: str, prefix: str) -> None:
        check_url(url)
        from redis.asyncio import ConnectionPool, Redis  # an extra
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        self._url = url
        self._prefix = prefix
        self._redis: Any = Redis.from_url(
            url,
            retry=Retry(NoBackoff(), 0),  # a write that is repeated is repeated by us, as the same group
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            single_connection_client=False,
        )
        pool = ConnectionPool.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
        )
        self._writer = CommandPipe(pool, TIMEOUT_S)
        self.secret = b""
        """What replicas prove themselves by to each other; known after `join`."""
        self.about: dict[str, Any] = {}
        """Kind and version of the server."""

    # Keys

    def _key(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def _of(self, namespace: str, what: str) -> str:
        """A key of a namespace. The braces keep all of them on one shard of a cluster."""
        return f"{self._prefix}{{{namespace}}}:{what}"

    # Talking

    async def _asked(self, asking: Awaitable[T]) -> T:
        """Raises StoreAwayError, StoreIsFullError, StoreRefusedError."""
        from redis import exceptions

        try:
            return await asking
        except (exceptions.AuthenticationError, exceptions.NoPermissionError) as error:
            raise StoreRefusedError(f"the store refuses user or password: {error}") from error
        except (exceptions.ConnectionError, exceptions.TimeoutError, OSError, TimeoutError) as error:
            raise StoreAwayError(f"it can't be reached: {_reason(error).rstrip('.')}") from error
        except exceptions.RedisError as error:
            raise _of_response(error) from error

    async def _run(self, script: str, keys: Sequence[str], args: Sequence[str | bytes]) -> Any:  # noqa: ANN401  (a script's)
        from redis.exceptions import NoScriptError

        async def run() -> object:
            try:
                return await self._redis.evalsha(_sha(script), len(keys), *keys, *args)
            except NoScriptError:
                return await self._redis.eval(script, len(keys), *keys, *args)

        return await self._asked(run())

    async def open(self) -> None:
        """Connect, and look whether the server can be used. Raises StoreAwayError, StoreRefusedError."""
        info: dict[str, Any] = await self._asked(self._redis.info())
        kind = "valkey" if "valkey_version" in info else "redis"
        version = str(info.get(f"{kind}_version", ""))
        self.about = {"kind": kind, "version": version}
        name = kind.capitalize()
        least = _LEAST[kind]
        if _numbers(version) < least:
            raise StoreRefusedError(
                f"{name} {version} is too old. Use Redis 6.2 or later, or Valkey 7.2 or later"
            )
        mode = info.get("redis_mode", "standalone")
        if mode != "standalone":
            raise StoreRefusedError(
                f"{name} runs as a {mode}, which is not supported. Name a single primary server"
            )
        policy = str(info.get("maxmemory_policy", ""))
        if policy.startswith("allkeys"):
            raise StoreRefusedError(
                f"{name} drops keys when its memory is full (maxmemory-policy {policy}), and calls with them. "
                "Set maxmemory-policy noeviction"
            )

    async def own_address(self) -> str | None:
        """Return the address of this host by which it reaches the store; None where that is a socket in the file system."""
        try:
            said = await self._asked(self._redis.client_info())
        except StoreRefusedError:
            return None
        address = str(said.get("addr", "")).rpartition(":")[0]
        return address or None

    async def close(self) -> None:
        await self._writer.close()
        await self._redis.aclose()

    # The scripts

    async def join(self, member: Member, files: Mapping[str, str], *, adopt: bool) -> Beat:
        text = json.dumps(dict(sorted(files.items())))
        keys = [self._key(name) for name in ("meta", "members", "beats")]
        fresh = secrets.token_hex(8), secrets.token_hex(32)
        said = await self._run(
            _JOIN,
            keys,
            [FORMAT, *fresh, member.id, text, "1" if adopt else "0", _member_text(member), str(GONE_S)],
        )
        outcome = said[0].decode()
        if outcome == "format":
            raise StoreRefusedError(
                f"the keys with the prefix {self._prefix!r} are of another version of mockserver (format "
                f"{said[1].decode()}, this one writes {FORMAT}). Use another --store-prefix"
            )
        if outcome == "files":
            raise StoreRefusedError(different(json.loads(said[1]), files))
        self.secret = said[3]
        return Beat(float(said[1]), said[2].decode(), _members(said[4], said[5]), is_known=True)

    async def beat(self, member: Member) -> Beat:
        keys = [self._key(name) for name in ("meta", "members", "beats")]
        said = await self._run(_BEAT, keys, [member.id, _member_text(member), str(GONE_S)])
        digest = hashlib.sha256(said[5]).hexdigest() if said[5] else None
        return Beat(
            float(said[0]),
            said[1].decode(),
            _members(said[3], said[4]),
            is_known=bool(said[2]),
            digest=digest,
        )

    async def leave(self, member_id: str) -> None:
        async def gone() -> None:
            await self._redis.hdel(self._key("members"), member_id)
            await self._redis.hdel(self._key("beats"), member_id)

        await self._asked(gone())

    async def claim(
        self, namespace: str, member_id: str, epoch: str, facts: Facts | None = None
    ) -> OwnerClaim:
        made = facts if facts is not None or namespace != "default" else Facts(None, None)
        said = await self._run(
            _CLAIM,
            [self._of(namespace, "head"), self._key("beats"), self._key("namespaces")],
            [
                namespace, member_id, epoch, "" if made is None else json.dumps(asdict(made)), str(DEAD_S),
                "0" if facts is None else "1",
            ],
        )  # fmt: skip
        outcome, *rest = [part.decode() for part in said]
        if outcome == "unknown":
            raise StoreAwayError("the store does not know this replica any more")
        if outcome == "none":
            return OwnerClaim(None)
        owner, fence, kept = rest
        return OwnerClaim(
            owner or None,
            fence,
            is_new=outcome in ("taken", "made"),
            existed=outcome != "made",
            facts=Facts(**json.loads(kept)),
        )

    def _command(self, group: EntryGroup | AddedGroup) -> bytes:
        """Return the command that writes a group."""
        keys = [self._of(group.namespace, "head"), self._of(group.namespace, "log")]
        args: list[str | bytes]
        if isinstance(group, AddedGroup):
            script, args = _ADD, [group.token, group.writer, f"{group.sequence}", group.block]
        else:
            script, args = _WRITE, [group.epoch, f"{group.sequence}", group.token, group.block]
        return packed(["EVALSHA", _sha(script), "2", *keys, *args])

    async def write(self, groups: Sequence[EntryGroup | AddedGroup]) -> list[Written]:
        commands = [self._command(group) for group in groups]
        results = await self._asked(self._writer.exchange(commands))
        if any(isinstance(result, Exception) and str(result).startswith("NOSCRIPT") for result in results):
            for script in (_WRITE, _ADD):
                await self._asked(self._redis.script_load(script))
            results = await self._asked(
                self._writer.exchange(commands)
            )  # what was written is not written again
        outcomes = []
        for result in results:
            if not isinstance(result, Exception):
                outcomes.append(Written(result.decode()))
                continue
            error = _of_response(result)
            if isinstance(error, StoreAwayError):
                raise error
            outcomes.append(Written.FULL if isinstance(error, StoreIsFullError) else Written.REFUSED)
            log.error("the store did not take a group of entries: %s", error)
        return outcomes

    async def check(self, namespace: str, epoch: str) -> Written:
        kept = await self._asked(self._redis.hget(self._of(namespace, "head"), "epoch"))
        if kept is None:
            return Written.GONE
        return Written.DONE if kept.decode() == epoch else Written.FENCED

    async def history(self, namespace: str) -> History:
        async def read() -> History:
            base, position = self._of(namespace, "base"), self._of(namespace, "head")
            checkpoint: bytes | None = await self._redis.get(base)
            at = await self._redis.hget(position, "position")
            blocks: list[bytes] = []
            while True:
                more = await self._redis.lrange(
                    self._of(namespace, "log"), len(blocks), len(blocks) + MOST_BLOCKS - 1
                )
                blocks += more
                if len(more) < MOST_BLOCKS:
                    return History(checkpoint, int(at or 0), blocks)

        return await self._asked(read())

    async def blocks(self, namespace: str, epoch: str, start: int) -> tuple[Written, Sequence[bytes]]:
        keys = [self._of(namespace, what) for what in ("head", "log")]
        result, blocks = await self._run(_BLOCKS, keys, [epoch, str(start), str(MOST_BLOCKS)])
        return Written(result.decode()), blocks

    async def checkpoint(self, namespace: str, epoch: str, position: int, data: bytes) -> Written:
        keys = [self._of(namespace, what) for what in ("head", "log", "base", "newest")]
        return Written((await self._run(_CHECKPOINT, keys, [epoch, str(position), data])).decode())

    async def remove(self, namespace: str, epoch: str) -> Written:
        keys = [self._of(namespace, what) for what in ("head", "log", "base", "newest")]
        said = await self._run(_REMOVE, [*keys, self._key("namespaces")], [epoch, namespace])
        return Written(said.decode())

    async def namespaces(self) -> dict[str, tuple[str | None, Facts]]:
        async def read() -> dict[str, tuple[str | None, Facts]]:
            kept = await self._redis.hgetall(self._key("namespaces"))
            names = [name.decode() for name in kept]
            pipe = self._redis.pipeline(transaction=False)
            for name in names:
                pipe.hget(self._of(name, "head"), "owner")
            owners = await pipe.execute() if names else []
            return {
                name: (None if owner is None else owner.decode(), Facts(**json.loads(facts)))
                for name, owner, facts in zip(names, owners, kept.values(), strict=True)
            }

        return await self._asked(read())


def check_url(url: str) -> None:
    """Raise InvalidInputError for a URL that no store has."""
    scheme = urlsplit(url).scheme
    if scheme in SCHEMES:
        return
    if "sentinel" in scheme:
        hint = "Name the primary server: redis://host:6379/0"
        raise invalid(("store",), "Sentinel is not supported", hint)
    hint = "Write redis://host:6379/0, rediss://host:6379/0 or unix:///path/to/socket"
    raise invalid(("store",), f"{without_password(url)!r} is not the URL of a store", hint)


def different(valid: Mapping[str, str], own: Mapping[str, str]) -> str:
    """Say which files differ."""
    names = sorted(name for name in {*valid, *own} if valid.get(name) != own.get(name))
    return (
        f"this replica has other scenario files than the others: {', '.join(names[:_MOST_NAMED])}{' and more' if len(names) > _MOST_NAMED else ''}. Start all replicas with the same "
        "files, or make these files the valid ones with --store-adopt"
    )


@cache
def _sha(script: str) -> str:
    return hashlib.sha1(script.encode()).hexdigest()  # noqa: S324  (how Redis names scripts)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def _member_text(member: Member) -> str:
    said = asdict(member)
    del said["beat_s"], said["id"]
    return json.dumps(said)


def _members(members: list[bytes], beats: list[bytes]) -> tuple[Member, ...]:
    at = dict(zip(beats[::2], beats[1::2], strict=True))
    return tuple(
        Member(id=id_.decode(), beat_s=float(at.get(id_, 0)), **json.loads(text))
        for id_, text in zip(members[::2], members[1::2], strict=True)
    )


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _of_response(error: Exception) -> StoreAwayError | StoreIsFullError | StoreRefusedError:
    from redis import exceptions

    text = str(error)
    if isinstance(error, exceptions.OutOfMemoryError) or text.startswith("OOM"):
        return StoreIsFullError("the store has no memory left")
    away = (
        exceptions.ConnectionError,
        exceptions.TimeoutError,
        exceptions.ReadOnlyError,
        exceptions.ClusterDownError,
    )
    if isinstance(error, away) or text.startswith(_AWAY):
        return StoreAwayError(text)
    return StoreRefusedError(f"the store refused a command: {text}")
