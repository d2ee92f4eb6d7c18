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
