"""Writes entries with a cache of postfix-mta-sts-resolver itself.

Arguments: kind of the cache, its options as JSON. Input: JSON list of [domain, time, id, policy].
"""
import asyncio
import json
import sys

from postfix_mta_sts_resolver.base_cache import CacheEntry


def cache_class(kind):
    # Each module needs a client library of its own.
    if kind == "redis":
        from postfix_mta_sts_resolver.redis_cache import RedisCache
        return RedisCache
    if kind == "postgres":
        from postfix_mta_sts_resolver.postgres_cache import PostgresCache
        return PostgresCache
    from postfix_mta_sts_resolver.sqlite_cache import SqliteCache
    return SqliteCache


async def main():
    cache = cache_class(sys.argv[1])(**json.loads(sys.argv[2]))
    await cache.setup()
    for domain, time, policy_id, policy in json.load(sys.stdin):
        await cache.set(domain, CacheEntry(time, policy_id, policy))
    await cache.set_proactive_fetch_ts(1795900000)
    await cache.teardown()


asyncio.run(main())
