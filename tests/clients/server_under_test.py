"""Where the server under test listens, which Redis it says it is, and how a suite waits for something without sleeping
blindly. run.py starts the server and sets LARDER_HOST, LARDER_PORT and, where the server has one, LARDER_SOCKET."""

import os
import time

import redis

HOST = os.environ.get("LARDER_HOST", "127.0.0.1")
PORT = int(os.environ.get("LARDER_PORT", "6379"))
UNIX_SOCKET = os.environ.get("LARDER_SOCKET")


def connect(**options):
    return redis.Redis(host=HOST, port=PORT, socket_timeout=30, **options)


def redis_version():
    with connect() as client:
        return tuple(int(part) for part in client.info("server")["redis_version"].split("."))


def wait_until(condition, seconds=10):
    """The first truthy answer of condition(), asked again and again; fails when the seconds are over."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {seconds} s: {condition.__doc__ or condition}")
        time.sleep(0.005)
    return answer
