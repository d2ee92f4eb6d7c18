"""The application in examples/fastapi, as uvicorn runs it, on a port of its own choice."""

import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from server_under_test import HOST, PORT, connect, wait_until

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "examples" / "fastapi"


class Application:
    def __init__(self, redis_port):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "--app-dir", str(FOLDER), "--port", "0", "app:app"],
            env={**os.environ, "REDIS_URL": f"redis://{HOST}:{redis_port}"}, stdout=self.log, stderr=self.log)
        self.port = int(wait_until(self._address, 30)[1])

    def _address(self):
        """uvicorn says where it listens"""
        self.log.seek(0)
        return re.search(r"http://[^ ]*:(\d+)", self.log.read())

    def ask(self, method, path, **headers):
        """The status, the headers, and the body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return response.status, response.headers, json.load(response)
        finally:
            connection.close()

    def get(self, path):
        """The status, what was found in the cache, and the body."""
        status, headers, body = self.ask("GET", path)
        return status, headers["X-Cache"], body

    def stop(self):
        self.process.terminate()
        status = self.process.wait(30)
        self.log.close()
        return status


class FastApi(unittest.TestCase):
    def setUp(self):
        self.client = connect(decode_responses=True)
        self.addCleanup(self.client.close)
        self.client.flushall()

    def start(self, redis_port=PORT):
        application = Application(redis_port)
        self.addCleanup(lambda: self.assertEqual(application.stop(), 0))
        return application

    def test_answers_from_the_cache_until_a_tag_is_deleted(self):
        shop = self.start()
        self.assertEqual(shop.get("/products/1"), (200, "MISS", {"id": 1, "name": "Tea", "shelf": 3}))
        self.assertEqual(shop.get("/products/1")[1], "HIT")
        self.assertEqual(sorted(self.client.execute_command("TAGS", "cache:/products/1")), ["product:1", "shelf:3"])
        self.assertEqual(shop.get("/shelves/3")[1], "MISS")
        self.assertEqual(shop.get("/shelves/3")[1], "HIT")
        renamed = shop.ask("PUT", "/products/1?name=Green%20tea")[2]
        self.assertEqual(renamed, {"id": 1, "name": "Green tea", "shelf": 3})
        self.assertEqual(shop.get("/products/1"), (200, "MISS", renamed))
        self.assertEqual([product["name"] for product in shop.get("/shelves/3")[2]], ["Green tea", "Jam"])
        self.assertEqual(shop.get("/products/9")[0], 404)
        self.assertEqual(shop.ask("PUT", "/products/1")[0], 422)

    def test_limits_who_asks_too_often_by_tier(self):
        shop = self.start()
        answers = [shop.ask("GET", "/products/1", **{"X-Api-Key": "free-ada"}) for _ in range(12)]
        self.assertEqual([status for status, _, _ in answers], [200] * 10 + [429] * 2)
        self.assertEqual(answers[0][1]["RateLimit-Remaining"], "9")
        self.assertGreater(int(answers[-1][1]["Retry-After"]), 0)
        self.assertEqual(shop.ask("GET", "/products/1", **{"X-Api-Key": "pro-bob"})[0], 200)

    def test_is_healthy_while_the_cache_answers_and_serves_without_it(self):
        self.assertEqual(self.start().ask("GET", "/health")[0], 200)
        alone = self.start(redis_port=1)
        self.assertEqual(alone.ask("GET", "/health")[0], 503)
        self.assertEqual(alone.get("/products/2"), (200, "MISS", {"id": 2, "name": "Jam", "shelf": 3}))
