"""Django 3.2 with django-redis 5.2 (Debian's): the cache, its sessions, its locks and the cache of whole pages."""

import datetime
import threading
import unittest

import django
from django.conf import settings

from server_under_test import HOST, PORT, connect, wait_until

URL = f"redis://{HOST}:{PORT}"


def backend(**options):
    return {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": f"{URL}/1", **options}


settings.configure(
    SECRET_KEY="not secret",
    USE_TZ=True,
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    ALLOWED_HOSTS=["testserver"],
    CACHES={
        "default": backend(KEY_PREFIX="app"),
        "json": backend(LOCATION=f"{URL}/2", OPTIONS={"SERIALIZER": "django_redis.serializers.json.JSONSerializer"}),
        "small": backend(LOCATION=f"{URL}/3", OPTIONS={"COMPRESSOR": "django_redis.compressors.zlib.ZlibCompressor"}),
        "herd": backend(LOCATION=f"{URL}/4", OPTIONS={"CLIENT_CLASS": "django_redis.client.HerdClient"}),
    },
)
django.setup()

# Only now, as these read the settings.
from django.contrib.sessions.backends.cache import SessionStore  # noqa: E402
from django.core.cache import cache, caches  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.test import RequestFactory  # noqa: E402
from django.views.decorators.cache import cache_page  # noqa: E402
from django_redis import get_redis_connection  # noqa: E402


class DjangoTest(unittest.TestCase):
    def setUp(self):
        with connect() as client:
            client.flushall()

    @classmethod
    def tearDownClass(cls):
        for alias in settings.CACHES:
            get_redis_connection(alias).connection_pool.disconnect()


class Cache(DjangoTest):
    def test_values_and_lifetimes(self):
        value = {"when": datetime.datetime(2024, 2, 29, tzinfo=datetime.timezone.utc), "list": [1, "ключ", None]}
        cache.set("k", value, timeout=60)
        self.assertEqual(cache.get("k"), value)
        self.assertEqual(cache.get("nothing", "default"), "default")
        self.assertTrue(50 < cache.ttl("k") <= 60)
        self.assertEqual(get_redis_connection().keys(), [b"app:1:k"])
        self.assertTrue(cache.touch("k", 1000))
        self.assertTrue(900000 < cache.pttl("k") <= 1000000)
        cache.set("for ever", 1, timeout=None)
        self.assertIsNone(cache.ttl("for ever"))
        self.assertTrue(cache.persist("k") and cache.ttl("k") is None)
        self.assertTrue(cache.expire("k", 5) and cache.pexpire("k", 5000))
        self.assertTrue(cache.delete("k"))
        self.assertFalse(cache.delete("k"))
        self.assertNotIn("k", cache)

    def test_add_and_get_or_set(self):
        self.assertTrue(cache.add("k", "first"))
        self.assertFalse(cache.add("k", "second"))
        self.assertEqual(cache.get_or_set("k", lambda: "third"), "first")
        self.assertEqual(cache.get_or_set("other", lambda: "computed", 60), "computed")
        self.assertTrue(cache.set("k", "fourth", nx=False))
        self.assertFalse(cache.set("k", "fifth", nx=True))
        self.assertEqual(cache.get("k"), "fourth")

    def test_many_at_once(self):
        cache.set_many({f"k{n}": n for n in range(500)}, timeout=60)
        self.assertEqual(cache.get_many(["k0", "k499", "nothing"]), {"k0": 0, "k499": 499})
        cache.delete_many([f"k{n}" for n in range(100)])
        self.assertEqual(get_redis_connection().dbsize(), 400)

    def test_counters(self):
        cache.set("n", 1, timeout=60)
        self.assertEqual((cache.incr("n"), cache.incr("n", 40), cache.decr("n", 2)), (2, 42, 40))
        self.assertTrue(50 < cache.ttl("n") <= 60)
        with self.assertRaises(ValueError):
            cache.incr("nothing")
        cache.set("n", 1, version=1)
        self.assertEqual(cache.incr_version("n"), 2)
        self.assertEqual((cache.get("n"), cache.get("n", version=2)), (None, 1))

    def test_patterns(self):
        cache.set_many({f"user:{n}": n for n in range(300)} | {"other": 1})
        self.assertEqual(sorted(cache.iter_keys("user:29?")), [f"user:{n}" for n in range(290, 300)])
        self.assertEqual(len(cache.keys("user:*")), 300)
        self.assertEqual(cache.delete_pattern("user:*", itersize=50), 300)
        self.assertEqual(cache.keys("*"), ["other"])

    def test_a_value_expires(self):
        cache.set("k", "v", timeout=0.03)
        wait_until(lambda: cache.get("k") is None)

    def test_clear_empties_one_database(self):
        cache.set("k", 1)
        caches["json"].set("k", 2)
        cache.clear()
        self.assertEqual((cache.get("k"), caches["json"].get("k")), (None, 2))

    def test_serializers_and_compressors(self):
        caches["json"].set("k", {"a": [1, None]})
        self.assertEqual(get_redis_connection("json").get(":1:k"), b'{"a": [1, null]}')
        self.assertEqual(caches["json"].get("k"), {"a": [1, None]})
        caches["small"].set("k", "x" * 100000)
        self.assertEqual(caches["small"].get("k"), "x" * 100000)
        self.assertTrue(get_redis_connection("small").strlen(":1:k") < 1000)

    def test_the_client_against_herds(self):
        caches["herd"].set_many({"a": 1, "b": 2}, timeout=600)
        self.assertEqual(caches["herd"].get_many(["a", "b"]), {"a": 1, "b": 2})
        self.assertTrue(get_redis_connection("herd").ttl(":1:a") > 600)


class Locks(DjangoTest):
    def test_threads_take_turns(self):
        def work():
            for _ in range(10):
                with cache.lock("lock", timeout=60, sleep=0.001):
                    cache.set("n", cache.get("n", 0) + 1)
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        self.assertEqual(cache.get("n"), 30)


class Sessions(DjangoTest):
    def test_a_session_from_login_to_logout(self):
        session = SessionStore()
        session["user"] = {"id": 5, "name": "Ада"}
        session.set_expiry(60)
        session.save()
        other = SessionStore(session.session_key)
        self.assertEqual(other["user"], {"id": 5, "name": "Ада"})
        self.assertTrue(50 < get_redis_connection().ttl(f"app:1:{session.cache_key}") <= 60)
        other.cycle_key()
        self.assertFalse(SessionStore().exists(session.session_key))
        self.assertEqual(SessionStore(other.session_key)["user"]["id"], 5)
        other.flush()
        self.assertEqual(get_redis_connection().dbsize(), 0)


class Pages(DjangoTest):
    def test_a_page_is_rendered_once(self):
        rendered = []

        @cache_page(60)
        def view(request):
            rendered.append(request.get_full_path())
            return HttpResponse(f"page {len(rendered)}")

        get = RequestFactory().get
        pages = [view(get(path)).content for path in ("/a", "/a", "/a?x=1")]
        self.assertEqual(pages, [b"page 1", b"page 1", b"page 2"])
        self.assertEqual(rendered, ["/a", "/a?x=1"])
        cache.clear()
        self.assertEqual(view(get("/a")).content, b"page 3")


if __name__ == "__main__":
    unittest.main()
