"""python3-redis 4.3.4, the synchronous client, beyond strings: collections, transactions, scripts, locks, messages."""

import threading
import unittest

import redis
from redis.exceptions import LockError, LockNotOwnedError, NoScriptError, WatchError

from server_under_test import connect, wait_until


class RedisPyTest(unittest.TestCase):
    def setUp(self):
        self.client = self.open(decode_responses=True)
        self.client.flushall()

    def open(self, **options):
        client = connect(**options)
        self.addCleanup(client.close)
        return client

    def in_thread(self, work):
        """Starts work with a client of its own; what it returns is the list that its answer will be in."""
        answers = []
        client = self.open(decode_responses=True)
        thread = threading.Thread(target=lambda: answers.append(work(client)))
        thread.start()
        self.addCleanup(thread.join, 30)
        return answers


class Collections(RedisPyTest):
    def test_hashes(self):
        self.assertEqual(self.client.hset("h", "a", 1, mapping={"b": "two", "c": 2.5}), 3)
        self.assertEqual(self.client.hgetall("h"), {"a": "1", "b": "two", "c": "2.5"})
        self.assertEqual(self.client.hmget("h", ["a", "nothing"]), ["1", None])
        self.assertEqual(self.client.hincrby("h", "a", 41), 42)
        self.assertEqual(self.client.hincrbyfloat("h", "c", 0.25), 2.75)
        self.assertFalse(self.client.hsetnx("h", "a", 0))
        self.assertEqual((self.client.hlen("h"), self.client.hstrlen("h", "b"), self.client.hexists("h", "z")), (3, 3, False))
        self.assertEqual(self.client.hdel("h", "b", "c", "z"), 2)
        self.assertEqual((self.client.hkeys("h"), self.client.hvals("h")), (["a"], ["42"]))
        self.assertEqual(self.client.hrandfield("h", 3, withvalues=True), ["a", "42"])

    def test_iterators_find_everything_once(self):
        names = [f"m:{n}" for n in range(1500)]
        self.client.hset("h", mapping={name: name for name in names})
        self.client.sadd("s", *names)
        self.client.zadd("z", {name: score for score, name in enumerate(names)})
        self.assertEqual(dict(self.client.hscan_iter("h", match="m:*", count=100)), {name: name for name in names})
        self.assertEqual(set(self.client.sscan_iter("s", count=10)), set(names))
        self.assertEqual(dict(self.client.zscan_iter("z")), {name: float(score) for score, name in enumerate(names)})

    def test_sets(self):
        self.client.sadd("a", 1, 2, "x")
        self.client.sadd("b", 2, "x", "y")
        self.assertEqual(self.client.sinter("a", "b"), {"2", "x"})
        self.assertEqual(self.client.sunion("a", "b"), {"1", "2", "x", "y"})
        self.assertEqual(self.client.sdiffstore("c", "a", "b"), 1)
        self.assertEqual(self.client.sintercard(2, ["a", "b"], limit=1), 1)
        self.assertEqual(self.client.smismember("a", "1", "y"), [1, 0])
        self.assertTrue(self.client.smove("a", "b", "1"))
        self.assertEqual(self.client.spop("c"), "1")
        self.assertEqual(self.client.smembers("c"), set())
        self.assertEqual(len(self.client.srandmember("b", -10)), 10)

    def test_sorted_sets(self):
        self.assertEqual(self.client.zadd("z", {"a": 1, "b": 2.5, "c": float("inf")}), 3)
        self.assertEqual(self.client.zadd("z", {"a": 0, "b": 5}, gt=True, ch=True), 1)
        self.assertEqual(self.client.zadd("z", {"a": 0.5}, incr=True), 1.5)
        self.assertEqual(self.client.zrange("z", 0, -1, withscores=True), [("a", 1.5), ("b", 5.0), ("c", float("inf"))])
        self.assertEqual(self.client.zrange("z", "+inf", "(1.5", byscore=True, desc=True, offset=1, num=5), ["b"])
        self.assertEqual(self.client.zrangebylex("z", "-", "[b"), ["a", "b"])
        self.assertEqual(self.client.zmscore("z", ["a", "no"]), [1.5, None])
        self.assertEqual((self.client.zrank("z", "b"), self.client.zrevrank("z", "c")), (1, 0))
        self.assertEqual(self.client.zunion({"z": 2}, withscores=True)[0], ("a", 3.0))
        self.assertEqual(self.client.zrangestore("top", "z", 0, 1), 2)
        self.assertEqual(self.client.zpopmax("z"), [("c", float("inf"))])
        self.assertEqual(self.client.zmpop(2, ["nothing", "z"], min=True, count=5), ["z", [["a", "1.5"], ["b", "5"]]])

    def test_lists(self):
        self.assertEqual(self.client.rpush("l", *"abcabc"), 6)
        self.assertEqual(self.client.lpos("l", "b", rank=1, count=0), [1, 4])
        self.assertEqual(self.client.linsert("l", "before", "b", "new"), 7)
        self.assertEqual(self.client.lrem("l", -1, "c"), 1)
        self.assertTrue(self.client.ltrim("l", 1, -2))
        self.assertEqual(self.client.lrange("l", 0, -1), ["new", "b", "c", "a"])
        self.assertEqual(self.client.lmove("l", "other", "RIGHT", "LEFT"), "a")
        self.assertEqual(self.client.lmpop(2, "nothing", "l", direction="LEFT", count=2), ["l", ["new", "b"]])
        self.assertEqual(self.client.lpop("l", 5), ["c"])

    def test_sort(self):
        self.client.rpush("ids", 3, 1, 2)
        self.client.mset({"name:1": "c", "name:2": "b", "name:3": "a"})
        self.assertEqual(self.client.sort("ids", desc=True), ["3", "2", "1"])
        self.assertEqual(self.client.sort("ids", by="name:*", alpha=True, get=["#", "name:*"], groups=True),
                         [("3", "a"), ("2", "b"), ("1", "c")])
        self.assertEqual(self.client.sort("ids", store="sorted"), 3)

    def test_dump_and_restore(self):
        client = self.open()
        client.rpush("l", *range(1000))
        client.restore("copy", 60000, client.dump("l"))
        self.assertEqual(client.lrange("copy", 0, -1), client.lrange("l", 0, -1))
        self.assertTrue(50 < client.ttl("copy") <= 60)
        with self.assertRaisesRegex(redis.ResponseError, "DUMP payload version or checksum are wrong"):
            client.restore("damaged", 0, client.dump("l")[:-1] + b"?")

    def test_hyperloglogs(self):
        self.client.pfadd("a", *range(1000))
        self.client.pfadd("b", *range(500, 1500))
        self.client.pfmerge("c", "a", "b")
        self.assertTrue(1450 < self.client.pfcount("c") < 1550)


class Waiting(RedisPyTest):
    def test_a_blocked_client_is_served_by_another_one(self):
        answers = self.in_thread(lambda client: client.blpop(["first", "second"], timeout=30))
        wait_until(lambda: self.client.info("clients")["blocked_clients"] == 1)
        self.client.rpush("second", "job")
        wait_until(lambda: answers)
        self.assertEqual(answers, [("second", "job")])
        answers = self.in_thread(lambda client: client.bzpopmax("scores", timeout=30))
        wait_until(lambda: self.client.info("clients")["blocked_clients"] == 1)
        self.client.zadd("scores", {"a": 1, "b": 2.5})
        wait_until(lambda: answers)
        self.assertEqual(answers, [("scores", "b", 2.5)])

    def test_a_queue_with_a_list_of_jobs_in_work(self):
        answers = self.in_thread(lambda client: [client.blmove("jobs", "working", 30, "LEFT", "RIGHT") for _ in range(100)])
        for number in range(100):
            self.client.rpush("jobs", number)
        wait_until(lambda: answers)
        self.assertEqual(answers[0], [str(number) for number in range(100)])
        self.assertEqual(self.client.lrange("working", 0, -1), answers[0])

    def test_nothing_comes(self):
        self.assertIsNone(self.client.brpop("nothing", timeout=0.01))
        self.assertIsNone(self.client.bzpopmin("nothing", timeout=0.01))


class Transactions(RedisPyTest):
    def test_pipelines_are_transactions_by_default(self):
        replies = self.client.pipeline().set("k", 1).incr("k").rpush("l", "a").hset("h", "f", "v").hgetall("h").execute()
        self.assertEqual(replies, [True, 2, 1, 1, {"f": "v"}])

    def test_an_error_does_not_stop_the_others(self):
        replies = self.client.pipeline().set("k", "abc").incr("k").set("k2", "v").execute(raise_on_error=False)
        self.assertEqual([replies[0], str(replies[1]), replies[2]], [True, "value is not an integer or out of range", True])
        with self.assertRaisesRegex(redis.ResponseError, r"Command # 1 \(INCRBY k 1\) of pipeline caused error: value is not"):
            self.client.pipeline().incr("k").execute()

    def test_a_command_that_cannot_be_queued_aborts_all(self):
        with self.assertRaisesRegex(redis.ResponseError, "wrong number of arguments for 'get' command"):
            self.client.pipeline().set("k", "v").execute_command("GET").execute()
        self.assertFalse(self.client.exists("k"))

    def test_watch(self):
        with self.client.pipeline() as pipeline:
            pipeline.watch("n")
            self.assertIsNone(pipeline.get("n"))
            self.client.set("n", 10)
            pipeline.multi()
            pipeline.set("n", 1)
            self.assertRaises(WatchError, pipeline.execute)
            pipeline.watch("n")
            pipeline.unwatch()
            self.client.incr("n")
            self.assertEqual(pipeline.get("n").execute(), ["11"])

    def test_optimistic_increments_of_four_threads_lose_nothing(self):
        def increment(client):
            def body(pipeline):
                value = int(pipeline.get("n") or 0)
                pipeline.multi()
                pipeline.set("n", value + 1)
            for _ in range(50):
                client.transaction(body, "n")
            return "done"
        answers = [self.in_thread(increment) for _ in range(4)]
        wait_until(lambda: all(answers), 30)
        self.assertEqual(self.client.get("n"), "200")


class Scripts(RedisPyTest):
    def test_a_registered_script_is_loaded_when_it_is_unknown(self):
        script = self.client.register_script("return {KEYS[1], ARGV[1], redis.call('INCR', KEYS[1])}")
        self.assertEqual(script(keys=["n"], args=["v"]), ["n", "v", 1])
        self.client.script_flush()
        self.assertEqual(script(keys=["n"], args=["v"]), ["n", "v", 2])
        self.client.script_flush()
        pipeline = self.client.pipeline()
        script(keys=["n"], args=["v"], client=pipeline)
        self.assertEqual(pipeline.get("n").execute(), [["n", "v", 3], "3"])
        self.assertEqual(self.client.script_exists(script.sha, "0" * 40), [True, False])
        self.assertRaises(NoScriptError, self.client.evalsha, "0" * 40, 0)

    def test_errors_out_of_scripts(self):
        expected = {"return redis.error_reply('MINE')": "MINE",
                    "return nosuch": "Script attempted to access nonexistent global",
                    "local x = {} return x.a.b": "attempt to index",
                    "return redis.call('nosuch')": "Unknown Redis command"}
        for text, pattern in expected.items():
            with self.subTest(text), self.assertRaisesRegex(redis.ResponseError, pattern):
                self.client.eval(text, 0)

    def test_a_script_without_end_is_killed(self):
        self.client.config_set("lua-time-limit", 20)
        try:
            def loop(client):
                try:
                    return client.eval("while true do end", 0)
                except redis.ResponseError as error:
                    return error
            answers = self.in_thread(loop)

            def is_killed():
                try:
                    return self.client.script_kill()
                except redis.ResponseError as error:
                    self.assertIn("NOTBUSY", str(error))
            wait_until(is_killed)
            wait_until(lambda: answers)
            self.assertRegex(str(answers[0]), "Error running script|Script killed by user with SCRIPT KILL")
            self.assertTrue(self.client.ping())
        finally:
            self.client.config_set("lua-time-limit", 5000)

    def test_functions(self):
        code = "#!lua name=lib\nredis.register_function('put', function(keys, args) return redis.call('SET', keys[1], args[1]) end)"
        self.assertEqual(self.client.function_load(code, replace=True), "lib")
        self.assertEqual(self.client.fcall("put", 1, "k", "v"), "OK")
        self.assertEqual(self.client.get("k"), "v")
        self.assertEqual(self.client.function_list()[0][:2], ["library_name", "lib"])
        self.assertTrue(self.client.function_delete("lib"))
        self.assertRaisesRegex(redis.ResponseError, "Function not found", self.client.fcall, "put", 1, "k", "v")


class Locks(RedisPyTest):
    def test_a_lock_keeps_others_out(self):
        lock, other = self.client.lock("l", timeout=60), self.client.lock("l", timeout=60, blocking=False)
        self.assertTrue(lock.acquire())
        self.assertTrue(50 < self.client.ttl("l") <= 60)
        self.assertFalse(other.acquire())
        self.assertTrue(lock.owned() and lock.locked() and not other.owned())
        self.assertTrue(lock.extend(60))
        self.assertTrue(self.client.ttl("l") > 60)
        self.assertTrue(lock.reacquire())
        self.assertTrue(self.client.ttl("l") <= 60)
        lock.release()
        self.assertTrue(other.acquire())
        self.assertRaises(LockError, lock.release)

    def test_somebody_elses_lock_is_not_released(self):
        lock = self.client.lock("l", timeout=60)
        lock.acquire()
        self.client.set("l", "somebody else")
        self.assertRaises(LockNotOwnedError, lock.release)
        self.assertEqual(self.client.get("l"), "somebody else")

    def test_threads_take_turns(self):
        def work(client):
            for _ in range(10):
                with client.lock("l", timeout=60, sleep=0.001):
                    client.set("n", int(client.get("n") or 0) + 1)
            return "done"
        answers = [self.in_thread(work) for _ in range(3)]
        wait_until(lambda: all(answers), 30)
        self.assertEqual(self.client.get("n"), "30")


class Messages(RedisPyTest):
    def test_messages_of_transactions_and_scripts(self):
        pubsub = self.client.pubsub(ignore_subscribe_messages=True)
        self.addCleanup(pubsub.close)
        pubsub.subscribe("c")
        wait_until(lambda: self.client.pubsub_numsub("c") == [("c", 1)])
        self.client.pipeline().publish("c", "first").set("k", "v").publish("c", "second").execute()
        self.client.eval("return redis.call('PUBLISH', KEYS[1], 'third')", 1, "c")
        got = []
        wait_until(lambda: got.extend(filter(None, [pubsub.get_message(timeout=1)])) or len(got) == 3)
        self.assertEqual([message["data"] for message in got], ["first", "second", "third"])

    def test_keyspace_events(self):
        self.client.config_set("notify-keyspace-events", "KEA")
        try:
            pubsub = self.client.pubsub(ignore_subscribe_messages=True)
            self.addCleanup(pubsub.close)
            pubsub.psubscribe("__key*__:*")
            wait_until(lambda: self.client.pubsub_numpat() == 1)
            self.client.set("k", "v", px=30)
            got = set()
            wait_until(lambda: got.update((m["channel"], m["data"]) for m in [pubsub.get_message(timeout=1)] if m)
                       or ("__keyevent@0__:expired", "k") in got)
            self.assertLessEqual({("__keyspace@0__:k", "set"), ("__keyevent@0__:expire", "k")}, got)
        finally:
            self.client.config_set("notify-keyspace-events", "")


if __name__ == "__main__":
    unittest.main()
