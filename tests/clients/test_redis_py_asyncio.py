"""python3-redis 4.3.4, the asyncio client."""

import asyncio
import unittest

import redis
from redis import asyncio as redis_asyncio

from server_under_test import HOST, PORT


class RedisPyAsyncioTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.client = await self.open()
        await self.client.flushall()

    async def open(self, **options):
        client = redis_asyncio.Redis(host=HOST, port=PORT, socket_timeout=30, **options)
        self.addAsyncCleanup(client.close, close_connection_pool=True)
        return client

    async def test_strings_and_expiry(self):
        self.assertTrue(await self.client.set("k", "v", ex=100))
        self.assertEqual(await self.client.get("k"), b"v")
        self.assertTrue(95 < await self.client.ttl("k") <= 100)
        self.assertIsNone(await self.client.set("k", "w", nx=True))
        self.assertEqual(await self.client.mget("k", "nothing"), [b"v", None])
        self.assertEqual(await self.client.incrbyfloat("n", 1.5), 1.5)
        self.assertEqual(await self.client.delete("k", "n", "nothing"), 2)

    async def test_a_key_disappears_when_its_time_is_over(self):
        await self.client.set("k", "v", px=30)
        async with asyncio.timeout(10):
            while await self.client.exists("k"):
                await asyncio.sleep(0.005)
        self.assertEqual(await self.client.dbsize(), 0)

    async def test_many_tasks_share_a_pool(self):
        client = await self.open(max_connections=20)

        async def work(number):
            await client.set(f"k{number}", number)
            await client.incr("total", number)
            return int(await client.get(f"k{number}"))

        for start in range(0, 200, 20):
            numbers = range(start, start + 20)
            self.assertEqual(await asyncio.gather(*map(work, numbers)), list(numbers))
        self.assertEqual(int(await client.get("total")), sum(range(200)))

    async def test_pipeline(self):
        async with self.client.pipeline(transaction=False) as pipeline:
            for n in range(1000):
                pipeline.set(f"k{n}", n).get(f"k{n}")
            replies = await pipeline.execute()
        self.assertEqual(replies[1::2], [b"%d" % n for n in range(1000)])
        await self.client.set("word", "abc")
        replies = await self.client.pipeline(transaction=False).incr("word").get("word").execute(raise_on_error=False)
        self.assertIsInstance(replies[0], redis.ResponseError)
        self.assertEqual(replies[1], b"abc")

    async def test_scan_iter(self):
        await self.client.mset({f"k:{n}": n for n in range(2000)} | {"other": 1})
        names = [name async for name in self.client.scan_iter(match="k:*", count=50)]
        self.assertEqual(len(set(names)), 2000)

    async def until(self, condition):
        """Waits until the coroutine function answers something truthy; asyncio.timeout ends what would last for ever."""
        async with asyncio.timeout(10):
            while not (answer := await condition()):
                await asyncio.sleep(0.005)
        return answer

    async def test_collections(self):
        client = await self.open(decode_responses=True)
        await client.hset("h", mapping={"a": 1, "b": "two"})
        self.assertEqual(await client.hgetall("h"), {"a": "1", "b": "two"})
        await client.sadd("s", "x", "y")
        self.assertEqual(await client.smembers("s"), {"x", "y"})
        await client.zadd("z", {"a": 1, "b": 2.5})
        self.assertEqual(await client.zrange("z", 0, -1, withscores=True), [("a", 1.0), ("b", 2.5)])
        await client.rpush("l", *range(5))
        self.assertEqual(await client.lrange("l", 1, 2), ["1", "2"])
        await client.hset("big", mapping={f"f{n}": n for n in range(1500)})
        self.assertEqual(len({field async for field, _ in client.hscan_iter("big", count=100)}), 1500)

    async def test_transactions_and_watch(self):
        async def increment():
            async with self.client.pipeline() as pipeline:
                for _ in range(20):
                    while True:
                        try:
                            await pipeline.watch("n")
                            value = int(await pipeline.get("n") or 0)
                            pipeline.multi()
                            await pipeline.set("n", value + 1).execute()
                            break
                        except redis.WatchError:
                            continue
        await asyncio.gather(*(increment() for _ in range(4)))
        self.assertEqual(await self.client.get("n"), b"80")
        self.assertEqual(await self.client.pipeline().set("k", 1).incr("k").hset("h", "f", "v").execute(), [True, 2, 1])

    async def test_blocked_tasks_are_served_in_the_order_in_which_they_came(self):
        async def blocked():
            return (await self.client.info("clients"))["blocked_clients"]
        waiting = []
        for number in range(1, 4):
            client = await self.open(single_connection_client=True)
            waiting.append(asyncio.create_task(client.brpop("l", timeout=30)))
            await self.until(lambda expected=number: self.equals(blocked, expected))
        await self.client.rpush("l", "a")
        await self.client.rpush("l", "b")
        await self.client.rpush("l", "c")
        self.assertEqual(await asyncio.gather(*waiting), [(b"l", b"a"), (b"l", b"b"), (b"l", b"c")])

    async def equals(self, read, expected):
        return await read() == expected

    async def test_a_cancelled_wait_leaves_nothing_behind(self):
        async def blocked():
            return (await self.client.info("clients"))["blocked_clients"]
        client = await self.open()
        task = asyncio.create_task(client.blpop("l", timeout=30))
        await self.until(lambda: self.equals(blocked, 1))
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        await client.connection_pool.disconnect()
        await self.until(lambda: self.equals(blocked, 0))
        await self.client.rpush("l", "kept")
        self.assertEqual(await self.client.lrange("l", 0, -1), [b"kept"])

    async def test_scripts(self):
        script = self.client.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
        self.assertEqual(await script(keys=["n"], args=[5]), 5)
        await self.client.script_flush()
        self.assertEqual(await script(keys=["n"], args=[6]), 11)
        totals = await asyncio.gather(*(script(keys=["total"], args=[1]) for _ in range(100)))
        self.assertEqual(sorted(totals), list(range(1, 101)))

    async def test_locks(self):
        async def work():
            for _ in range(10):
                async with self.client.lock("l", timeout=60, sleep=0.001):
                    await self.client.set("n", int(await self.client.get("n") or 0) + 1)
        await asyncio.gather(work(), work(), work())
        self.assertEqual(await self.client.get("n"), b"30")
        lock = self.client.lock("l", timeout=60)
        self.assertTrue(await lock.acquire())
        self.assertFalse(await self.client.lock("l").acquire(blocking=False))
        self.assertTrue(await lock.extend(60))
        self.assertTrue(await self.client.ttl("l") > 60)
        await lock.release()
        self.assertFalse(await self.client.exists("l"))

    async def test_messages(self):
        async with self.client.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe("a", "b")
            await pubsub.psubscribe("c*")

            async def is_subscribed():
                return await self.client.pubsub_numsub("b") == [(b"b", 1)] and await self.client.pubsub_numpat() == 1
            await self.until(is_subscribed)
            for number in range(200):
                await self.client.publish(("a", "b", "cc")[number % 3], number)
            got = []
            async with asyncio.timeout(10):
                async for message in pubsub.listen():
                    got.append((message["type"], message["channel"], int(message["data"])))
                    if len(got) == 200:
                        break
            kinds = (("message", b"a"), ("message", b"b"), ("pmessage", b"cc"))
            self.assertEqual(got, [(*kinds[number % 3], number) for number in range(200)])

    async def test_decode_responses_and_binary_values(self):
        client = await self.open(decode_responses=True)
        await client.set("ключ", "🥫")
        self.assertEqual(await client.get("ключ"), "🥫")
        value = bytes(range(256)) * 4096 * 10
        await self.client.set("large", value)
        self.assertEqual(await self.client.get("large"), value)

    async def test_names_and_information(self):
        client = await self.open(client_name="asynchronous", single_connection_client=True)
        identity = await client.client_id()
        self.assertIn((str(identity), "asynchronous"), [(c["id"], c["name"]) for c in await self.client.client_list()])
        self.assertEqual((await self.client.info("server"))["tcp_port"], PORT)
        self.assertEqual(await self.client.config_get("port"), {"port": str(PORT)})
        self.assertEqual(await self.client.client_kill_filter(_id=str(identity)), 1)

    async def test_errors(self):
        await self.client.set("word", "abc")
        with self.assertRaises(redis.ResponseError) as caught:
            await self.client.incr("word")
        self.assertEqual(str(caught.exception), "value is not an integer or out of range")
        with self.assertRaises(redis.ResponseError) as caught:
            await self.client.execute_command("nosuch", "a")
        self.assertEqual(str(caught.exception), "unknown command 'nosuch', with args beginning with: 'a' ")
        self.assertTrue(await self.client.ping())

    async def test_from_url(self):
        client = redis_asyncio.Redis.from_url(f"redis://{HOST}:{PORT}/6", decode_responses=True)
        self.addAsyncCleanup(client.close, close_connection_pool=True)
        await client.set("k", "v")
        self.assertEqual(await (await self.open(db=6)).get("k"), b"v")


if __name__ == "__main__":
    unittest.main()
