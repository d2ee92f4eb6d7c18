"""redis-cli 7.0: one command, scripts, bulk loading, its scanning modes, and a person at a terminal."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
import unittest

from server_under_test import HOST, PORT, UNIX_SOCKET, connect, wait_until

COMMAND = ["redis-cli", "-h", HOST, "-p", str(PORT)]
SECONDS = 30


def run(*arguments, stdin=""):
    """One run of redis-cli; stdin may be text or bytes, and what it prints comes back as the same."""
    return subprocess.run(COMMAND + list(arguments), input=stdin, capture_output=True, timeout=SECONDS,
                          text=isinstance(stdin, str), check=False)


def without_colours(text):
    return re.sub(r"\x1b\[[\d;]*\w", "", text)


class RedisCliTest(unittest.TestCase):
    def setUp(self):
        self.server = connect()
        self.addCleanup(self.server.close)
        self.server.flushall()

    def assert_prints(self, expected, *arguments, **options):
        finished = run(*arguments, **options)
        self.assertEqual((finished.returncode, finished.stderr), (0, ""), finished)
        self.assertEqual(finished.stdout, expected)


class OneCommand(RedisCliTest):
    def test_prints_each_type_of_reply(self):
        self.assert_prints("OK\n", "set", "greeting", "hello")
        self.assert_prints("hello\n", "get", "greeting")
        self.assert_prints("\n", "get", "nothing")
        self.assert_prints("2\n", "exists", "greeting", "nothing", "greeting")
        self.assert_prints("hello\n\n", "mget", "greeting", "nothing")

    def test_prints_types_for_a_person(self):
        self.server.mset({"greeting": "a\r\nb", "n": "41"})
        self.assert_prints('"a\\r\\nb"\n', "--no-raw", "get", "greeting")
        self.assert_prints("(integer) 42\n", "--no-raw", "incr", "n")
        self.assert_prints("(nil)\n", "--no-raw", "get", "nothing")
        self.assert_prints('1) "42"\n2) (nil)\n', "--no-raw", "mget", "n", "nothing")

    def test_prints_csv_and_json(self):
        self.server.set("k", 'say "so"')
        self.assert_prints('"say \\"so\\"",NULL\n', "--csv", "mget", "k", "nothing")
        self.assertEqual(json.loads(run("--json", "mget", "k", "nothing").stdout), ['say "so"', None])
        self.assertEqual(json.loads(run("--json", "config", "get", "port").stdout), {"port": str(PORT)})

    def test_error_is_shown_and_sets_the_exit_status_when_asked(self):
        self.server.set("word", "abc")
        finished = run("-e", "incr", "word")
        self.assertEqual(finished.returncode, 1)
        self.assertIn("ERR value is not an integer or out of range", finished.stdout + finished.stderr)
        self.assertIn("ERR unknown command 'nosuch', with args beginning with: 'a' 'b' ", run("nosuch", "a", "b").stdout)
        self.assertIn("ERR wrong number of arguments for 'get' command", run("get").stdout)
        self.assertIn("ERR unknown subcommand 'nosuch'. Try CLIENT HELP.", run("client", "nosuch").stdout)

    def test_value_from_stdin_is_kept_byte_for_byte(self):
        value = bytes(range(256)) * 5000
        self.assertEqual(run("-x", "set", "blob", stdin=value).stdout, b"OK\n")
        self.assertEqual(self.server.get("blob"), value)
        self.assertEqual(run("get", "blob", stdin=b"").stdout, value + b"\n")

    def test_quoted_input_reaches_binary_keys(self):
        self.assert_prints("OK\n", "--quoted-input", "set", '"\\x00\\xff\\r\\n"', '"v"')
        self.assertEqual(self.server.get(b"\x00\xff\r\n"), b"v")

    def test_repeats(self):
        self.assert_prints("1\n2\n3\n4\n", "-r", "4", "-i", "0.001", "incr", "n")

    def test_database_by_option_and_by_uri(self):
        self.assert_prints("OK\n", "-n", "5", "set", "where", "five")
        self.assert_prints("\n", "get", "where")
        self.assert_prints("five\n", "-u", f"redis://{HOST}:{PORT}/5", "get", "where")

    @unittest.skipUnless(UNIX_SOCKET, "the server has no Unix socket")
    def test_unix_socket(self):
        self.assert_prints("PONG\n", "-s", UNIX_SOCKET, "ping")
        self.assertIn(f"addr={UNIX_SOCKET}:0 ", run("-s", UNIX_SOCKET, "client", "info").stdout)

    def test_resp3(self):
        self.assert_prints(f'1# "port" => "{PORT}"\n', "--no-raw", "-3", "config", "get", "port")
        self.assert_prints("(nil)\n", "--no-raw", "-3", "get", "nothing")
        self.assertRegex(run("-3", "info", "server").stdout, r"(?m)^redis_version:\d+\.\d+\.\d+\r?$")
        hello = run("--no-raw", "hello", "3").stdout
        self.assertIn('"proto" => (integer) 3', hello)
        self.assertIn('"role" => "master"', hello)

    def test_password(self):
        refused = run("-a", "wrong", "ping")
        self.assertIn("called without any password configured for the default user", refused.stdout + refused.stderr)
        self.server.config_set("requirepass", "secret")
        try:
            self.assertIn("NOAUTH Authentication required.", run("ping").stdout)
            wrong = run("--no-auth-warning", "-a", "wrong", "ping")
            self.assertIn("WRONGPASS invalid username-password pair or user is disabled.", wrong.stdout + wrong.stderr)
            self.assert_prints("PONG\n", "--no-auth-warning", "-a", "secret", "ping")
            self.assert_prints("PONG\n", "--no-auth-warning", "-3", "-a", "secret", "ping")
            self.assert_prints("default\n", "--no-auth-warning", "--user", "default", "--pass", "secret", "acl", "whoami")
            self.assert_prints("PONG\n", "--no-auth-warning", "-u", f"redis://default:secret@{HOST}:{PORT}", "ping")
        finally:
            self.server.config_set("requirepass", "")
        self.assert_prints("PONG\n", "ping")

    def test_help_of_a_command(self):
        printed = without_colours(run("help", "set").stdout)
        self.assertRegex(printed, r"(?m)^\s+SET key value")
        self.assertIn("group: string", printed)

    def test_introspection(self):
        self.assertGreater(int(run("command", "count").stdout), 50)
        self.assertRegex(run("client", "id").stdout, r"^\d+\n$")
        self.assertRegex(run("client", "info").stdout, r"^id=\d+ addr=\S+:\d+ laddr=\S+:\d+ fd=-?\d+ name= age=\d+ ")
        self.assertIn("cmd=client|list", run("client", "list").stdout)
        self.assertRegex(run("time").stdout, r"^\d{10}\n\d+\n$")
        self.assertEqual(run("role").stdout.splitlines()[0], "master")
        self.assertEqual(run("memory", "usage", "nothing").stdout, "\n")
        self.assertEqual(run("debug", "sleep", "0").stdout, "OK\n")
        self.assertRegex(run("lolwut").stdout, r"\w+ ver\. \d")
        self.assertIn("SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", run("slowlog", "help").stdout)


class Streams(RedisCliTest):
    def test_script_on_stdin(self):
        self.assert_prints("OK\n6\nOK\n\nPONG\n", stdin="set n 5\nincr n\nselect 3\nget n\nping\n")

    def test_pipe_of_requests(self):
        count = 20000
        requests = "".join(f"*3\r\n$3\r\nSET\r\n${len(str(n)) + 1}\r\nk{n}\r\n$1\r\nv\r\n" for n in range(count))
        finished = run("--pipe", stdin=requests)
        self.assertIn(f"errors: 0, replies: {count}", finished.stdout)
        self.assertEqual((finished.returncode, self.server.dbsize()), (0, count))

    def test_pipe_of_inline_commands_counts_errors(self):
        finished = run("--pipe", stdin="SET a 1\r\nINCR a\r\n\r\nSET \"b c\" '2'\r\nNOSUCH\r\nGET\r\n")
        self.assertIn("errors: 2, replies: 5", finished.stdout)
        self.assertEqual(self.server.mget("a", "b c"), [b"2", b"2"])

    def test_monitor_shows_other_connections(self):
        with subprocess.Popen(COMMAND + ["monitor"], stdout=subprocess.PIPE, text=True) as watcher:
            self.addCleanup(watcher.stdout.close)
            self.addCleanup(watcher.kill)
            self.assertEqual(watcher.stdout.readline(), "OK\n")
            self.server.set("k\r\n", "v")
            line = watcher.stdout.readline()
            self.assertRegex(line, r'^\d+\.\d{6} \[0 \S+:\d+\] "SET" "k\\r\\n" "v"\n$')
            watcher.terminate()

    def test_stat_prints_a_line_each_interval(self):
        self.server.set("k", "v")
        with subprocess.Popen(COMMAND + ["--stat", "-i", "0.01"], stdout=subprocess.PIPE, text=True) as watcher:
            self.addCleanup(watcher.stdout.close)
            self.addCleanup(watcher.kill)
            self.assertIn("data", watcher.stdout.readline())
            self.assertIn("clients", watcher.stdout.readline())
            self.assertRegex(watcher.stdout.readline(), r"^1 +[\d.]+[KMG] +\d+ +0 +\d+ ")
            self.assertRegex(watcher.stdout.readline(), r"\(\+\d+\)")
            watcher.terminate()

    def test_latency(self):
        self.assertRegex(run("--latency", "-i", "0.05").stdout, r"^[\d.]+ [\d.]+ [\d.]+ \d+\n$")


class WholeKeyspace(RedisCliTest):
    def setUp(self):
        super().setUp()
        self.server.mset({f"key:{n}": "v" for n in range(3000)})
        self.server.mset({f"other:{n}": "v" for n in range(100)})
        self.server.set("key:large", "x" * 50000)

    def test_scan(self):
        self.assertEqual(len(set(run("--scan").stdout.split())), 3101)
        names = run("--scan", "--pattern", "other:?").stdout.split()
        self.assertEqual(sorted(names), [f"other:{n}" for n in range(10)])

    def test_bigkeys(self):
        printed = run("--bigkeys").stdout
        self.assertIn("Biggest string found '\"key:large\"' has 50000 bytes", printed)
        self.assertIn("Sampled 3101 keys in the keyspace!", printed)
        self.assertIn("3101 strings with 53100 bytes (100.00% of keys, avg size 17.12)", printed)

    def test_memkeys(self):
        self.assertRegex(run("--memkeys").stdout, r"\nBiggest string found '\"key:large\"' has 5\d{4} bytes")


class Terminal:
    """redis-cli on a pseudo terminal, as a person has it."""

    def __init__(self):
        self.process_id, self.descriptor = pty.fork()
        if self.process_id == 0:
            os.environ.update(TERM="xterm", HOME="/nonexistent")
            os.execvp(COMMAND[0], COMMAND)
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        self.unread = ""

    def type(self, keys):
        """Waits for the prompt first, since redis-cli throws away what is typed before it; answers what was shown."""
        shown = self.wait_for(r"(:\d+(\[\d+\])?|not connected)> $")
        os.write(self.descriptor, keys.encode())
        return shown

    def wait_for(self, pattern):
        """What was shown up to and with the pattern, colours left out."""
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(pattern, self.unread)):
            if not select.select([self.descriptor], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"{pattern!r} never came; shown: {self.unread!r}")
            self.unread += without_colours(os.read(self.descriptor, 65536).decode())
        shown, self.unread = self.unread[:found.end()], self.unread[found.end():]
        return shown

    def exit_status(self):
        def reaped():
            """redis-cli has ended"""
            process_id, status = os.waitpid(self.process_id, os.WNOHANG)
            return process_id and (status,)

        (status,) = wait_until(reaped)
        os.close(self.descriptor)
        return os.waitstatus_to_exitcode(status)


class Interactive(RedisCliTest):
    def setUp(self):
        super().setUp()
        self.docs_calls_before = self.docs_calls()
        self.terminal = Terminal()

    def docs_calls(self):
        return self.server.info("commandstats").get("cmdstat_command|docs", {"calls": 0})["calls"]

    def tearDown(self):
        self.terminal.type("quit\r")
        self.assertEqual(self.terminal.exit_status(), 0)

    def test_hints_come_from_command_docs(self):
        self.terminal.type("SET ")
        self.terminal.wait_for(r"SET\s+key value \[")
        self.assertGreater(self.docs_calls(), self.docs_calls_before)
        os.write(self.terminal.descriptor, b"k v\r")
        self.terminal.wait_for(r"OK\r\n")

    def test_commands_and_errors(self):
        for typed, shown in (("set greeting 'a b'", "OK"), ("get greeting", '"a b"'), ("incr greeting",
                             r"\(error\) ERR value is not an integer or out of range"), ("get nothing", r"\(nil\)")):
            self.terminal.type(typed + "\r")
            self.terminal.wait_for(shown + "\r\n")

    def test_select_changes_the_prompt(self):
        self.terminal.type("select 3\r")
        self.terminal.wait_for(r"OK\r\n")
        self.assertIn("[3]> ", self.terminal.type("set here 1\r"))
        self.terminal.wait_for(r"OK\r\n")
        with connect(db=3) as other:
            self.assertEqual(other.get("here"), b"1")

    def test_help_and_completion(self):
        self.terminal.type("help expire\r")
        self.terminal.wait_for(r"EXPIRE key seconds")
        self.terminal.wait_for(r"group: generic")
        self.terminal.type("RANDOM\t\r")
        self.terminal.wait_for(r"RANDOMKEY")
        self.terminal.wait_for(r"\(nil\)")

    def test_connects_again_after_its_connection_was_killed(self):
        self.terminal.type("client id\r")
        identity = re.search(r"\(integer\) (\d+)\r\n", self.terminal.wait_for(r"\(integer\) \d+\r\n")).group(1)
        self.assertEqual(self.server.execute_command("CLIENT KILL", "ID", identity), 1)
        self.terminal.type("ping\r")
        # The second, if the bytes arrived between the kill and the close by the connection's own loop.
        self.terminal.wait_for("Server closed the connection|Connection reset by peer")
        self.terminal.type("ping\r")
        self.terminal.wait_for("PONG\r\n")

    def test_resp3_is_entered_by_hello(self):
        self.terminal.type("hello 3\r")
        self.terminal.wait_for(r'"proto" => \(integer\) 3')
        self.terminal.type("config get port\r")
        self.terminal.wait_for(rf'1# "port" => "{PORT}"')


if __name__ == "__main__":
    unittest.main()
