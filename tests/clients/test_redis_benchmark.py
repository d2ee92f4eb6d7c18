"""redis-benchmark 7.0 with the options people run it with: each test must report a rate and no error."""

import csv
import subprocess
import unittest

from server_under_test import HOST, PORT, connect

TESTS = {"ping_inline": "PING_INLINE", "ping_mbulk": "PING_MBULK", "set": "SET", "get": "GET", "incr": "INCR",
         "mset": "MSET (10 keys)"}
COLLECTION_TESTS = {"lpush": "LPUSH", "rpush": "RPUSH", "lpop": "LPOP", "rpop": "RPOP", "sadd": "SADD", "hset": "HSET",
                    "spop": "SPOP", "zadd": "ZADD", "zpopmin": "ZPOPMIN", "lrange_100": "LRANGE_100 (first 100 elements)"}
REQUESTS = 20000


class RedisBenchmarkTest(unittest.TestCase):
    def setUp(self):
        self.server = connect()
        self.addCleanup(self.server.close)
        self.server.flushall()

    def run_benchmark(self, *arguments, requests=REQUESTS, stdin="", warns=""):
        """{name of the test: requests a second}, as the CSV output has it."""
        finished = subprocess.run(["redis-benchmark", "-h", HOST, "-p", str(PORT), "-n", str(requests), "--csv", *arguments],
                                  capture_output=True, text=True, timeout=120, check=False, input=stdin)
        self.assertEqual(finished.returncode, 0, finished)
        self.assertRegex(finished.stderr, f"^({warns}.*\n)?$")
        rates = {row["test"]: float(row["rps"]) for row in csv.DictReader(finished.stdout.splitlines())}
        self.assertTrue(rates and all(rate > 0 for rate in rates.values()), rates)
        return rates

    def run_all(self, *arguments, **options):
        rates = self.run_benchmark("-t", ",".join(TESTS), *arguments, **options)
        self.assertEqual(set(rates), set(TESTS.values()))

    def test_without_pipelining(self):
        self.run_all("-c", "50")

    def test_pipelined(self):
        self.run_all("-c", "50", "-P", "16")

    def test_threads(self):
        self.run_all("-c", "50", "-P", "16", "--threads", "2")

    def test_resp3(self):
        self.run_all("-c", "50", "-P", "16", "-3")

    def test_collections(self):
        for arguments in (("-r", "1000"), ("-P", "16", "--threads", "2")):
            rates = self.run_benchmark("-t", ",".join(COLLECTION_TESTS), "-c", "50", *arguments, requests=5000)
            self.assertLessEqual(set(COLLECTION_TESTS.values()), set(rates))

    def test_client_side_caching(self):
        self.run_benchmark("-t", "set,get", "-c", "20", "-P", "4", "-r", "100", "-3", "--enable-tracking", requests=5000)

    def test_random_keys_and_larger_values(self):
        self.run_all("-c", "50", "-P", "16", "-r", "10000", "-d", "2000")
        self.assertGreater(self.server.dbsize(), 5000)

    def test_a_connection_for_each_request(self):
        self.run_benchmark("-t", "ping_mbulk,get", "-c", "20", "-k", "0", requests=2000, warns="WARNING: Keepalive disabled")

    def test_another_database(self):
        self.run_benchmark("-t", "set", "--dbnum", "7")
        with connect(db=7) as other:
            self.assertEqual((self.server.dbsize(), other.dbsize()), (0, 1))

    def test_own_command_with_a_value_from_stdin(self):
        self.run_benchmark("-P", "4", "-r", "100", "-x", "setex", "k:__rand_int__", "100", stdin="x" * 100000, requests=1000)
        key = self.server.randomkey()
        self.assertEqual((self.server.strlen(key), 0 < self.server.ttl(key) <= 100), (100000, True))

    def test_prints_latencies_by_percentile(self):
        finished = subprocess.run(["redis-benchmark", "-h", HOST, "-p", str(PORT), "-n", "1000", "-t", "get"],
                                  capture_output=True, text=True, timeout=120, check=True)
        for line in ("====== GET ======", "Latency by percentile distribution:", "throughput summary:", "host configuration"):
            self.assertIn(line, finished.stdout)


if __name__ == "__main__":
    unittest.main()
