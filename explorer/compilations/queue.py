"""The live state of compilations in Redis: queue, leases and journals. Every transition is one atomic script.

    tilescope:queue            sorted set: waiting keys, first come first served
    tilescope:running          sorted set: running keys by the end of their lease, in ms of Redis's clock
    tilescope:state:KEY        hash: status (queued, running, ended), token, attempt, position, cancel
    tilescope:journal:KEY      stream: the events; the entry of seq n has the id (n+1)-0
    tilescope:counters         hash: what /metrics counts

A worker holds a compilation by a lease that it renews. When the lease runs out, whoever claims next begins another
attempt; the token fences off the earlier holder, whose appends are refused from then on.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

import redis

from compiler_core import events

PREFIX = "tilescope:"
LINGER_SECONDS = 600
"""How long a journal outlives its compilation, for the sockets that still read it."""

_HELPERS = """
local prefix = 'tilescope:'
local function state(key) return prefix .. 'state:' .. key end
local function journal(key) return prefix .. 'journal:' .. key end
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local function append(key, body)
  redis.call('XADD', journal(key), (redis.call('XLEN', journal(key)) + 1) .. '-0', 'event', body)
end
-- Waiting journals learn their position: each of the first ten, then every tenth, so that a long queue stays cheap.
local function announce()
  for i, key in ipairs(redis.call('ZRANGE', prefix .. 'queue', 0, -1)) do
    local position = i - 1
    local known = tonumber(redis.call('HGET', state(key), 'position'))
    if position ~= known and (position < 10 or position % 10 == 0) then
      redis.call('HSET', state(key), 'position', position)
      local seq = redis.call('XLEN', journal(key))
      append(key, string.format('{"type":"accepted","seq":%d,"key":"%s","position":%d}', seq, key, position))
    end
  end
end
local function held(key, token)
  return redis.call('HGET', state(key), 'token') == token and redis.call('HGET', state(key), 'status') == 'running'
end
local function finish(key, status, linger)
  redis.call('HSET', state(key), 'status', 'ended')
  redis.call('ZREM', prefix .. 'running', key)
  redis.call('ZREM', prefix .. 'queue', key)
  redis.call('EXPIRE', state(key), linger)
  redis.call('EXPIRE', journal(key), linger)
  redis.call('HINCRBY', prefix .. 'counters', status, 1)
end
"""

_SUBMIT = """
local key, bound = ARGV[1], tonumber(ARGV[2])
local status = redis.call('HGET', state(key), 'status')
if status == 'queued' or status == 'running' then return 'live' end
local position = redis.call('ZCARD', prefix .. 'queue')
if position >= bound then return 'full' end
redis.call('DEL', state(key), journal(key))
redis.call('ZADD', prefix .. 'queue', redis.call('INCR', prefix .. 'ticket'), key)
redis.call('HSET', state(key), 'status', 'queued', 'attempt', 0, 'position', position)
append(key, string.format('{"type":"accepted","seq":0,"key":"%s","position":%d}', key, position))
return 'queued'
"""

_CLAIM = """
local token, lease = ARGV[1], tonumber(ARGV[2])
local key = redis.call('ZRANGEBYSCORE', prefix .. 'running', '-inf', now(), 'LIMIT', 0, 1)[1]
if not key then
  key = redis.call('ZRANGE', prefix .. 'queue', 0, 0)[1]
  if not key then return false end
  redis.call('ZREM', prefix .. 'queue', key)
  announce()
end
redis.call('ZADD', prefix .. 'running', now() + lease, key)
redis.call('HSET', state(key), 'status', 'running', 'token', token)
return {key, redis.call('HINCRBY', state(key), 'attempt', 1)}
"""

_RENEW = """
local key, token, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])
if not held(key, token) then return 'lost' end
redis.call('ZADD', prefix .. 'running', now() + lease, key)
if redis.call('HEXISTS', state(key), 'cancel') == 1 then return 'cancel' end
return 'held'
"""

_APPEND = """
local key, token, seq, body, status, linger = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], tonumber(ARGV[6])
if not held(key, token) then return 'lost' end
if redis.call('XLEN', journal(key)) ~= seq then return 'lost' end
append(key, body)
if status ~= '' then finish(key, status, linger) end
return 'held'
"""

_CANCEL = """
local key, by, linger = ARGV[1], ARGV[2], tonumber(ARGV[3])
local status = redis.call('HGET', state(key), 'status')
if status == 'queued' then
  local seq = redis.call('XLEN', journal(key))
  append(key, string.format('{"type":"cancelled","seq":%d,"by":%s}', seq, cjson.encode(by)))
  finish(key, 'cancelled', linger)
  announce()
  return 'cancelled'
elseif status == 'running' then
  redis.call('HSET', state(key), 'cancel', by)
  return 'asked'
end
return 'ended'
"""


class LeaseLost(Exception):
    """Another worker holds the compilation now; this one must stop and write nothing more."""


@dataclass(frozen=True)
class Claim:
    """The right to run one compilation, for as long as it is renewed."""

    key: str
    token: str
    attempt: int


@dataclass(frozen=True)
class Depth:
    queued: int
    running: int
    expired: int


def journal_name(key: str) -> str:
    return f"{PREFIX}journal:{key}"


def journal_id(seq: int) -> str:
    """The stream id of the event with this seq; of -1, the id before the first."""
    return f"{seq + 1}-0"


class Queue:
    """The scripts above, as methods. `redis` answers in bytes."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._submit = client.register_script(_HELPERS + _SUBMIT)
        self._claim = client.register_script(_HELPERS + _CLAIM)
        self._renew = client.register_script(_HELPERS + _RENEW)
        self._append = client.register_script(_HELPERS + _APPEND)
        self._cancel = client.register_script(_HELPERS + _CANCEL)

    def submit(self, key: str, bound: int) -> Literal["queued", "live", "full"]:
        """Puts a compilation at the end of the queue, with a fresh journal, unless it is live already or the queue is full."""
        return self._submit(args=[key, bound]).decode()

    def claim(self, lease_ms: int) -> Claim | None:
        """Takes over the next compilation: one whose worker fell silent, else the head of the queue."""
        token = secrets.token_hex(8)
        taken = self._claim(args=[token, lease_ms])
        return Claim(taken[0].decode(), token, int(taken[1])) if taken else None

    def renew(self, claim: Claim, lease_ms: int) -> Literal["held", "cancel"]:
        """Keeps the lease; says whether a cancel was asked for. Raises LeaseLost."""
        answer = self._renew(args=[claim.key, claim.token, lease_ms]).decode()
        if answer == "lost":
            raise LeaseLost(claim.key)
        return answer

    def append(self, claim: Claim, event: events.AnyEvent, status: str = "") -> None:
        """Journals the event with the next seq, which it must carry; with a status, the last one. Raises LeaseLost."""
        answer = self._append(args=[claim.key, claim.token, event.seq, events.encode(event), status, LINGER_SECONDS])
        if answer != b"held":
            raise LeaseLost(claim.key)

    def cancel(self, key: str, by: str) -> Literal["cancelled", "asked", "ended"]:
        """Cancels at once what waits; asks the worker of what runs."""
        return self._cancel(args=[key, by, LINGER_SECONDS]).decode()

    def cancelled_by(self, key: str) -> str:
        by = cast(bytes | None, self._redis.hget(f"{PREFIX}state:{key}", "cancel"))
        return (by or b"").decode()

    def status(self, key: str) -> Literal["queued", "running", "ended"] | None:
        """None where Redis knows nothing of the compilation."""
        status = cast(bytes | None, self._redis.hget(f"{PREFIX}state:{key}", "status"))
        return cast(Literal["queued", "running", "ended"], status.decode()) if status else None

    def lines(self, key: str) -> Sequence[bytes]:
        """The journal as it stands, one JSON event each."""
        entries = cast(list[tuple[bytes, dict[bytes, bytes]]], self._redis.xrange(journal_name(key)))
        return [fields[b"event"] for _, fields in entries]

    def depth(self) -> Depth:
        seconds, micros = self._redis.time()
        now = seconds * 1000 + micros // 1000
        pipe = self._redis.pipeline(transaction=False)
        pipe.zcard(f"{PREFIX}queue")
        pipe.zcard(f"{PREFIX}running")
        pipe.zcount(f"{PREFIX}running", "-inf", now)
        return Depth(*pipe.execute())

    def counters(self) -> dict[str, int]:
        """How many compilations ended, by status."""
        counters = cast(dict[bytes, bytes], self._redis.hgetall(f"{PREFIX}counters"))
        return {status.decode(): int(count) for status, count in counters.items()}
