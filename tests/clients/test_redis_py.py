"""python3-redis 4.3.4, the synchronous client."""

import datetime
import re
import threading
import time
import unittest

import redis

from server_under_test import HOST, PORT, UNIX_SOCKET, connect, redis_version, wait_until


class RedisPyTest(unittest.TestCase):
    def setUp(self):
        self.client = self.open()
        self.client.flushall()

    def open(self, **options):
        client = connect(**options)
        self.addCleanup(client.close)
        return client

    def assert_error(self, text, *arguments, kind=redis.ResponseError):
        with self.assertRaises(kind) as caught:
            self.client.execute_command(*arguments)
        self.assertEqual(str(caught.exception), text)


class Strings(RedisPyTest):
    def test_set_get_delete(self):
        self.assertIs(self.client.set("k", "v"), True)
        self.assertEqual(self.client.get("k"), b"v")
        self.assertIsNone(self.client.get("nothing"))
        self.assertEqual(self.client.delete("k", "nothing"), 1)
        self.client["item"] = 5
        self.assertIn("item", self.client)
        self.assertEqual(self.client["item"], b"5")

    def test_set_options(self):
        self.assertIsNone(self.client.set("k", "1", xx=True))
        self.assertTrue(self.client.set("k", "1", nx=True, ex=100))
        self.assertIsNone(self.client.set("k", "2", nx=True))
        self.assertEqual(self.client.set("k", "3", get=True, keepttl=True), b"1")
        self.assertTrue(95 < self.client.ttl("k") <= 100)
        self.client.set("k", "4", px=datetime.timedelta(seconds=50))
        self.assertTrue(45000 < self.client.pttl("k") <= 50000)
        self.client.set("k", "5", exat=int(time.time()) + 1000)
        self.assertTrue(990 < self.client.ttl("k") <= 1000)
        self.client.set("k", "6")
        self.assertEqual(self.client.ttl("k"), -1)

    def test_many_keys_at_once(self):
        self.assertTrue(self.client.mset({"a": 1, "b": "two", "c": b"\x00"}))
        self.assertEqual(self.client.mget("a", "b", "c", "nothing"), [b"1", b"two", b"\x00", None])
        self.assertFalse(self.client.msetnx({"c": 1, "d": 1}))
        self.assertEqual(self.client.exists("a", "b", "d", "a"), 3)

    def test_counters(self):
        self.assertEqual(self.client.incr("n"), 1)
        self.assertEqual(self.client.incrby("n", 41), 42)
        self.assertEqual(self.client.decr("n", 2), 40)
        self.assertEqual(self.client.incrbyfloat("n", 0.5), 40.5)
        self.assertEqual(self.client.get("n"), b"40.5")

    def test_parts_of_values(self):
        self.client.set("k", "Hello World")
        self.assertEqual(self.client.append("k", "!"), 12)
        self.assertEqual(self.client.getrange("k", -6, -1), b"World!")
        self.assertEqual(self.client.setrange("k", 6, "Redis"), 12)
        self.assertEqual(self.client.strlen("k"), 12)
        self.assertEqual(self.client.getdel("k"), b"Hello Redis!")
        self.client.setex("k", 10, "v")
        self.assertEqual(self.client.getex("k", persist=True), b"v")
        self.assertEqual(self.client.ttl("k"), -1)
        self.client.psetex("k", 10000, "w")
        self.assertEqual(self.client.getset("k", "x"), b"w")
        self.assertFalse(self.client.setnx("k", "y"))

    def test_longest_common_subsequence(self):
        self.client.mset({"a{1}": "ohmytext", "b{1}": "mynewtext"})
        self.assertEqual(self.client.execute_command("LCS", "a{1}", "b{1}"), b"mytext")
        self.assertEqual(self.client.execute_command("LCS", "a{1}", "b{1}", "LEN"), 6)
        self.assertEqual(self.client.execute_command("LCS", "a{1}", "b{1}", "IDX", "MINMATCHLEN", "4", "WITHMATCHLEN"),
                         [b"matches", [[[4, 7], [5, 8], 4]], b"len", 6])

    def test_bits(self):
        self.assertEqual([self.client.setbit("bits", 7, 1), self.client.setbit("bits", 7, 0)], [0, 1])
        self.client.set("a", b"\xff\x0f")
        self.assertEqual([self.client.getbit("a", 4), self.client.getbit("a", 8)], [1, 0])
        self.assertEqual(self.client.bitcount("a"), 12)
        self.assertEqual(self.client.bitcount("a", 0, 3, "BIT"), 4)
        self.assertEqual(self.client.bitpos("a", 0), 8)
        self.assertEqual(self.client.bitop("XOR", "x", "a", "nothing"), 2)
        self.assertEqual(self.client.bitfield("f").incrby("u8", 0, 200).incrby("u8", 0, 100, "SAT").get("u4", 0).execute(),
                         [200, 255, 15])
        self.assertEqual(self.client.execute_command("BITFIELD_RO", "f", "GET", "i8", "0"), [-1])

    def test_values_are_kept_byte_for_byte(self):
        for name, value in ((bytes(range(256)), bytes(range(255, -1, -1))), (b"\r\n$5\r\n", b"*1\r\n"), (b"", b""),
                            ("ключ".encode(), "значение 🥫".encode())):
            self.client.set(name, value)
            self.assertEqual(self.client.get(name), value)
        self.assertEqual(self.client.echo(b"\x00\r\n\xff"), b"\x00\r\n\xff")

    def test_value_of_ten_megabytes(self):
        value = bytes(range(256)) * 40960
        self.client.set("large", value)
        self.assertEqual(self.client.strlen("large"), 10 * 1024 * 1024)
        self.assertEqual(self.client.get("large"), value)
        self.assertEqual(self.client.mget("large", "large"), [value, value])
        self.assertEqual(self.client.getrange("large", 5000000, 5000009), value[5000000:5000010])
        self.assertEqual(self.client.append("large", b"x"), len(value) + 1)


class Keys(RedisPyTest):
    def test_expiry(self):
        self.client.mset({"a": 1, "b": 1, "c": 1})
        self.assertTrue(self.client.expire("a", 100))
        self.assertFalse(self.client.expire("a", 50, gt=True))
        self.assertFalse(self.client.expire("nothing", 1))
        self.assertTrue(self.client.pexpire("b", datetime.timedelta(milliseconds=20)))
        self.assertTrue(self.client.expireat("c", datetime.datetime.now() + datetime.timedelta(hours=1)))
        self.assertTrue(3590 <= self.client.ttl("c") <= 3600)
        milliseconds = self.client.execute_command("PEXPIRETIME", "c")
        self.assertEqual(self.client.execute_command("EXPIRETIME", "c"), milliseconds // 1000)
        self.assertTrue(self.client.persist("c"))
        self.assertEqual([self.client.ttl("c"), self.client.ttl("nothing")], [-1, -2])
        wait_until(lambda: self.client.get("b") is None)
        self.assertEqual(self.client.keys("b"), [])
        self.assertTrue(self.client.expire("c", 0))
        self.assertEqual(self.client.exists("c"), 0)

    def test_scan_iter_finds_every_key_once(self):
        for start in range(0, 5000, 1000):
            self.client.mset({f"k:{n}": n for n in range(start, start + 1000)})
        self.client.set("other", 1)
        names = list(self.client.scan_iter(match="k:*", count=100))
        self.assertEqual(len(set(names)), 5000)
        self.assertEqual(list(self.client.scan_iter(match="oth*", _type="string")), [b"other"])
        self.assertEqual(list(self.client.scan_iter(_type="list")), [])
        self.assertEqual(sorted(self.client.keys("k:1?")), [b"k:%d" % n for n in range(10, 20)])

    def test_rename_copy_move_unlink(self):
        self.client.set("a", "1", ex=100)
        self.assertTrue(self.client.rename("a", "b"))
        self.assertTrue(self.client.ttl("b") > 95)
        self.assertTrue(self.client.copy("b", "c"))
        self.assertFalse(self.client.copy("b", "c"))
        self.assertTrue(self.client.copy("b", "c", destination_db=9, replace=True))
        self.assertFalse(self.client.renamenx("b", "c"))
        self.assertTrue(self.client.move("c", 8))
        self.assertEqual(self.open(db=8).get("c"), b"1")
        self.assertEqual(self.client.touch("b", "nothing"), 1)
        self.assertEqual([self.client.type("b"), self.client.type("nothing")], [b"string", b"none"])
        self.assertEqual(self.client.randomkey(), b"b")
        self.assertEqual(self.client.unlink("b", "nothing"), 1)
        self.assertIsNone(self.client.randomkey())

    def test_object(self):
        self.client.mset({"int": 5, "short": "x", "long": "x" * 100})
        self.assertEqual([self.client.object("encoding", name) for name in ("int", "short", "long")],
                         [b"int", b"embstr", b"raw"])
        self.assertEqual(self.client.object("refcount", "short"), 1)
        self.assertEqual(self.client.object("idletime", "short"), 0)

    def test_databases_are_separate(self):
        self.client.set("k", "zero")
        other = self.open(db=1)
        other.set("k", "one")
        self.assertTrue(self.client.swapdb(0, 1))
        self.assertEqual([self.client.get("k"), other.get("k")], [b"one", b"zero"])
        self.assertTrue(other.flushdb(asynchronous=True))
        self.assertEqual([self.client.dbsize(), other.dbsize()], [1, 0])
        self.assertTrue(self.client.flushall())
        self.assertEqual(self.client.dbsize(), 0)

    def test_memory_usage(self):
        self.client.set("k", "x" * 1000)
        self.assertTrue(1000 < self.client.memory_usage("k", samples=0) < 1500)
        self.assertIsNone(self.client.memory_usage("nothing"))


class Pipelines(RedisPyTest):
    def test_replies_come_in_order(self):
        pipeline = self.client.pipeline(transaction=False)
        for n in range(5000):
            pipeline.set(f"k{n}", n).get(f"k{n}").incr("total", n)
        replies = pipeline.execute()
        self.assertEqual(replies[:6], [True, b"0", 0, True, b"1", 1])
        self.assertEqual(replies[-1], sum(range(5000)))

    def test_errors_are_elements(self):
        self.client.set("word", "abc")
        with self.client.pipeline(transaction=False) as pipeline:
            replies = pipeline.set("a", 1).incr("word").execute_command("NOSUCH", "x").get("a").execute(raise_on_error=False)
        self.assertEqual([replies[0], replies[3]], [True, b"1"])
        self.assertEqual(str(replies[1]), "value is not an integer or out of range")
        self.assertEqual(str(replies[2]), "unknown command 'NOSUCH', with args beginning with: 'x' ")
        with self.assertRaisesRegex(redis.ResponseError, r"Command # 1 \(INCRBY word 1\) of pipeline caused error"):
            self.client.pipeline(transaction=False).incr("word").execute()

    def test_large_values_among_small_ones(self):
        value = b"x" * 300000
        pipeline = self.client.pipeline(transaction=False)
        for n in range(20):
            pipeline.set(f"large{n}", value).set(f"small{n}", n).get(f"large{n}").get(f"small{n}")
        replies = pipeline.execute()
        self.assertEqual([reply for reply in replies if reply is not True], [r for n in range(20) for r in (value, b"%d" % n)])


class Connections(RedisPyTest):
    def test_decode_responses(self):
        client = self.open(decode_responses=True)
        client.set("ключ", "🥫")
        self.assertEqual([client.get("ключ"), client.keys("*"), client.type("ключ")], ["🥫", ["ключ"], "string"])
        self.assertEqual(client.config_get("port"), {"port": str(PORT)})

    def test_pool_of_threads(self):
        pool = redis.ConnectionPool(host=HOST, port=PORT, max_connections=8, db=2)
        self.addCleanup(pool.disconnect)

        def work():
            client = redis.Redis(connection_pool=pool)
            for _ in range(200):
                client.incr("hits")

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(redis.Redis(connection_pool=pool).get("hits"), b"1600")

    def test_from_url(self):
        with redis.Redis.from_url(f"redis://{HOST}:{PORT}/4?client_name=by-url&decode_responses=True") as client:
            client.set("k", "v")
            self.assertEqual(client.client_getname(), "by-url")
        self.assertEqual(self.open(db=4).get("k"), b"v")

    @unittest.skipUnless(UNIX_SOCKET, "the server has no Unix socket")
    def test_unix_socket(self):
        with redis.Redis(unix_socket_path=UNIX_SOCKET, db=1) as client:
            self.assertTrue(client.set("k", "v"))
            self.assertIn("U", client.client_info()["flags"])

    def test_client_name_and_list(self):
        with connect(client_name="lister") as client:
            identity = client.client_id()
            listed = [entry for entry in self.client.client_list() if entry["name"] == "lister"]
            self.assertEqual([entry["id"] for entry in listed], [str(identity)])
            for field in ("addr", "laddr", "fd", "age", "idle", "flags", "db", "sub", "psub", "multi", "qbuf", "qbuf-free",
                          "argv-mem", "obl", "oll", "omem", "tot-mem", "events", "cmd", "user", "redir", "resp"):
                self.assertIn(field, listed[0])
            self.assertEqual(self.client.client_list(client_id=[str(identity)])[0]["name"], "lister")
            info = client.client_info()
            self.assertEqual((info["id"], info["name"], info["db"], int(info["resp"])), (identity, "lister", 0, 2))
            self.assertTrue(client.client_setname("other"))
            self.assertEqual(client.client_getname(), "other")

    def test_client_kill(self):
        victim = connect(single_connection_client=True, client_name="victim")
        identity = victim.client_id()
        self.assertEqual(self.client.client_kill_filter(_id=identity), 1)
        self.assertEqual(self.client.client_kill_filter(_id=identity), 0)
        wait_until(lambda: not [entry for entry in self.client.client_list() if entry["name"] == "victim"])
        with self.assertRaises(redis.ConnectionError):
            victim.ping()
        self.assertNotEqual(victim.client_id(), identity)
        victim.close()

    def test_client_pause_holds_writes_back(self):
        self.addCleanup(self.client.client_unpause)
        self.client.client_pause(60000, all=False)
        other = self.open()
        writer = threading.Thread(target=other.set, args=("k", "v"))
        writer.start()
        blocked = wait_until(lambda: [entry for entry in self.client.client_list() if "b" in entry["flags"]])
        self.assertEqual((len(blocked), self.client.get("k")), (1, None))
        self.client.client_unpause()
        writer.join(10)
        self.assertEqual(self.client.get("k"), b"v")

    def test_client_reply_off(self):
        connection = redis.Connection(host=HOST, port=PORT, socket_timeout=30)
        self.addCleanup(connection.disconnect)
        for arguments in (("CLIENT", "REPLY", "OFF"), ("SET", "k", "v"), ("CLIENT", "REPLY", "ON")):
            connection.send_command(*arguments)
        self.assertEqual(connection.read_response(), b"OK")
        for arguments in (("CLIENT", "REPLY", "SKIP"), ("INCR", "n"), ("INCR", "n")):
            connection.send_command(*arguments)
        self.assertEqual(connection.read_response(), 2)

    def test_client_flags(self):
        self.assertEqual(self.client.execute_command("CLIENT", "NO-EVICT", "ON"), b"OK")
        self.assertEqual(self.client.execute_command("CLIENT", "NO-EVICT", "OFF"), b"OK")
        if redis_version() >= (7, 2):
            self.assertEqual(self.client.execute_command("CLIENT", "NO-TOUCH", "ON"), b"OK")
            self.assertEqual(self.client.execute_command("CLIENT", "SETINFO", "LIB-NAME", "suite"), b"OK")
            self.assertEqual(self.client.execute_command("CLIENT", "SETINFO", "LIB-VER", "1.0"), b"OK")
            listed = self.client.client_info()
            self.assertEqual((listed["lib-name"], listed["lib-ver"].strip()), ("suite", "1.0"))

    def test_quit_and_reset(self):
        client = connect(single_connection_client=True)
        self.assertEqual(client.execute_command("SELECT", 3), True)
        self.assertEqual(client.execute_command("RESET"), "RESET")
        client.set("k", "v")
        self.assertEqual(self.client.get("k"), b"v")
        self.assertIn(client.quit(), (True, b"OK"))
        client.close()

    def test_password(self):
        self.client.config_set("requirepass", "secret")
        try:
            with connect() as stranger, self.assertRaises(redis.AuthenticationError) as caught:
                stranger.ping()
            self.assertEqual(str(caught.exception), "Authentication required.")
            with connect(password="wrong") as stranger, self.assertRaises(redis.ResponseError) as caught:
                stranger.ping()
            self.assertEqual(str(caught.exception), "WRONGPASS invalid username-password pair or user is disabled.")
            with connect(password="secret") as friend, connect(username="default", password="secret") as named:
                self.assertTrue(friend.ping() and named.ping())
                self.assertEqual(named.acl_whoami(), "default")
        finally:
            self.client.config_set("requirepass", "")
        self.assertTrue(self.open().ping())


class Server(RedisPyTest):
    def test_info(self):
        info = self.client.info()
        for field in ("redis_version", "process_id", "tcp_port", "uptime_in_seconds", "connected_clients", "used_memory",
                      "used_memory_human", "maxmemory", "maxmemory_policy", "total_connections_received",
                      "total_commands_processed", "keyspace_hits", "keyspace_misses", "expired_keys", "evicted_keys", "role",
                      "loading", "connected_slaves"):
            self.assertIn(field, info)
        self.assertEqual((info["role"], info["loading"], info["tcp_port"]), ("master", 0, PORT))
        self.client.set("k", "v", ex=100)
        keyspace = self.client.info("keyspace")["db0"]
        self.assertEqual((keyspace["keys"], keyspace["expires"]), (1, 1))
        self.assertIn("avg_ttl", keyspace)

    def test_hits_and_misses_are_counted(self):
        self.client.config_resetstat()
        self.client.set("k", "v")
        self.client.get("k")
        self.client.mget("k", "nothing", "neither")
        stats = self.client.info("stats")
        self.assertEqual((stats["keyspace_hits"], stats["keyspace_misses"]), (2, 2))
        self.assertEqual(self.client.info("commandstats")["cmdstat_get"]["calls"], 1)

    def test_config(self):
        self.assertEqual(self.client.config_get("port"), {"port": str(PORT)})
        self.assertIn("maxmemory-policy", self.client.config_get("maxmemory*"))
        before = self.client.config_get("maxmemory")["maxmemory"]
        self.assertTrue(self.client.config_set("maxmemory", "200mb"))
        self.assertEqual(self.client.config_get("maxmemory"), {"maxmemory": str(200 * 1024 * 1024)})
        self.client.config_set("maxmemory", before)
        self.assertEqual(self.client.config_get("nosuchoption"), {})
        with self.assertRaisesRegex(redis.ResponseError, "Unknown option or number of arguments for CONFIG SET - 'nosuch'"):
            self.client.config_set("nosuch", "1")

    def test_slow_log(self):
        before = self.client.config_get("slowlog-log-slower-than")["slowlog-log-slower-than"]
        self.client.config_set("slowlog-log-slower-than", 0)
        self.client.slowlog_reset()
        self.client.set("slow", "v")
        self.client.config_set("slowlog-log-slower-than", before)
        entries = self.client.slowlog_get(10)
        self.assertIn(b"SET slow v", [entry["command"] for entry in entries])
        self.assertGreaterEqual(self.client.slowlog_len(), 2)
        self.assertGreaterEqual(entries[0]["duration"], 0)
        self.client.slowlog_reset()
        self.assertEqual(self.client.slowlog_len(), 0)

    def test_commands_are_described(self):
        self.assertGreater(self.client.command_count(), 50)
        described = self.client.command()
        self.assertEqual((described["get"]["arity"], described["set"]["arity"], described["mset"]["step_count"]), (2, -3, 2))
        self.assertIn("readonly", described["get"]["flags"])
        self.assertEqual(self.client.command_getkeys("MSET", "a", 1, "b", 2), ["a", "b"])
        self.assertEqual(self.client.command_list(pattern="getr*"), [b"getrange"])

    def test_time_role_wait_and_more(self):
        seconds, microseconds = self.client.time()
        self.assertTrue(abs(seconds - time.time()) < 60 and 0 <= microseconds < 1000000)
        self.assertEqual(self.client.role()[0], b"master")
        self.assertEqual(self.client.wait(0, 10), 0)
        self.assertEqual(self.client.acl_whoami(), "default")
        self.assertRegex(self.client.lolwut(), rb"\w+ ver\. \d")
        self.assertEqual(self.client.memory_stats()["keys.count"], 0)
        self.assertTrue(self.client.ping())
        self.assertEqual(self.client.execute_command("LATENCY", "LATEST"), [])
        self.assertEqual(self.client.execute_command("DEBUG", "SLEEP", "0"), b"OK")

    def test_monitor(self):
        with self.client.monitor() as monitor:
            self.client.set("k", b'a "b"\x00')
            seen = wait_until(lambda: (entry := monitor.next_command())["command"].startswith("SET") and entry)
        self.assertEqual((seen["db"], seen["command"], seen["client_type"]), (0, 'SET k a "b"\\x00', "tcp"))

    def test_hello(self):
        flat = self.client.execute_command("HELLO", "2")
        answer = dict(zip(flat[::2], flat[1::2]))
        self.assertEqual((answer[b"server"], answer[b"proto"], answer[b"mode"], answer[b"role"], answer[b"modules"]),
                         (b"redis", 2, b"standalone", b"master", []))
        self.assertTrue(re.fullmatch(rb"\d+\.\d+\.\d+", answer[b"version"]))


class Errors(RedisPyTest):
    def test_texts(self):
        self.client.set("word", "abc")
        for text, *arguments in (
                ("unknown command 'nosuch', with args beginning with: 'a' 'b c' ", "nosuch", "a", "b c"),
                ("wrong number of arguments for 'get' command", "GET"),
                ("wrong number of arguments for 'set' command", "set", "k"),
                ("wrong number of arguments for 'client|setname' command", "CLIENT", "SETNAME"),
                ("unknown subcommand 'nosuch'. Try CONFIG HELP.", "CONFIG", "nosuch"),
                ("value is not an integer or out of range", "INCR", "word"),
                ("value is not a valid float", "INCRBYFLOAT", "word", "1"),
                ("syntax error", "SET", "k", "v", "NX", "XX"),
                ("invalid expire time in 'set' command", "SET", "k", "v", "EX", "0"),
                ("invalid expire time in 'expire' command", "EXPIRE", "word", str(2 ** 62)),
                ("increment or decrement would overflow", "INCRBY", "max", "1"),
                ("offset is out of range", "SETRANGE", "k", "-1", "v"),
                ("bit offset is not an integer or out of range", "SETBIT", "k", "-1", "1"),
                ("no such key", "RENAME", "nothing", "other"),
                ("source and destination objects are the same", "COPY", "word", "word"),
                ("DB index is out of range", "SELECT", "100000"),
                ("invalid cursor", "SCAN", "abc"),
                ("No such client", "CLIENT", "KILL", "1.2.3.4:5")):
            self.client.set("max", 2 ** 63 - 1)
            with self.subTest(arguments=arguments):
                self.assert_error(text, *arguments)

    def test_kinds(self):
        self.assert_error("NOPROTO unsupported protocol version", "HELLO", "9")
        self.assert_error("WRONGPASS invalid username-password pair or user is disabled.", "AUTH", "x", "y")
        with self.assertRaises(redis.ResponseError) as caught:
            self.client.execute_command("AUTH", "x")
        self.assertIn("without any password configured for the default user", str(caught.exception))

    def test_connection_goes_on_after_errors(self):
        client = self.open(single_connection_client=True)
        identity = client.client_id()
        for _ in range(100):
            with self.assertRaises(redis.ResponseError):
                client.execute_command("nosuch")
        self.assertEqual(client.client_id(), identity)


class PublishSubscribe(RedisPyTest):
    def listener(self, **options):
        pubsub = self.client.pubsub(**options)
        self.addCleanup(pubsub.close)
        return pubsub

    def next_of(self, pubsub):
        message = pubsub.get_message(timeout=10)
        self.assertIsNotNone(message)
        return message["type"], message["pattern"], message["channel"], message["data"]

    def test_channels_and_patterns(self):
        pubsub = self.listener()
        pubsub.subscribe("news")
        pubsub.psubscribe("n*")
        self.assertEqual(self.next_of(pubsub), ("subscribe", None, b"news", 1))
        self.assertEqual(self.next_of(pubsub), ("psubscribe", None, b"n*", 2))
        self.assertEqual(self.client.publish("news", b"\x00\r\n"), 2)
        self.assertEqual(self.next_of(pubsub), ("message", None, b"news", b"\x00\r\n"))
        self.assertEqual(self.next_of(pubsub), ("pmessage", b"n*", b"news", b"\x00\r\n"))
        self.assertEqual(self.client.pubsub_channels(), [b"news"])
        self.assertEqual(self.client.pubsub_numsub("news", "none"), [(b"news", 1), (b"none", 0)])
        self.assertEqual(self.client.pubsub_numpat(), 1)
        pubsub.unsubscribe()
        self.assertEqual(self.next_of(pubsub), ("unsubscribe", None, b"news", 1))
        self.assertEqual(self.client.publish("news", "m"), 1)

    def test_ping_and_health_check(self):
        pubsub = self.listener(ignore_subscribe_messages=True)
        pubsub.subscribe("c")
        self.assertIsNone(pubsub.get_message(timeout=10))  # the confirmation
        pubsub.ping("are you there")
        self.assertEqual(self.next_of(pubsub), ("pong", None, None, b"are you there"))

    def test_handlers_in_a_thread(self):
        got = []
        pubsub = self.listener()
        pubsub.subscribe(c=lambda message: got.append(message["data"]))
        thread = pubsub.run_in_thread(sleep_time=0.01)
        try:
            wait_until(lambda: self.client.publish("c", "first") == 1)
            for number in range(100):
                self.client.publish("c", number)
            wait_until(lambda: len(got) == 101)
        finally:
            thread.stop()
            thread.join()
        self.assertEqual(got, [b"first", *(str(n).encode() for n in range(100))])


if __name__ == "__main__":
    unittest.main()
