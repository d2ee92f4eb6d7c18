# ruby-redis 4.8 (Debian's): through Minitest, which Debian's Ruby brings along.

require "minitest/autorun"
require "redis"

class RubyRedisTest < Minitest::Test
  WAIT_SECONDS = 10

  def setup
    @opened = []
    @redis = open
    @redis.flushall
  end

  def teardown
    @opened.each(&:close)
  end

  def open(**options)
    Redis.new(host: ENV.fetch("LARDER_HOST", "127.0.0.1"), port: ENV.fetch("LARDER_PORT", 6379).to_i, **options)
         .tap { |redis| @opened << redis }
  end

  def wait_until
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + WAIT_SECONDS
    until (answer = yield)
      flunk "still not so after #{WAIT_SECONDS} s" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
      sleep 0.005
    end
    answer
  end

  def test_strings_and_expiry
    bytes = (0..255).to_a.pack("C*")
    assert_equal "OK", @redis.set("k", bytes, ex: 100)
    assert_equal bytes, @redis.get("k").b
    refute @redis.set("k", "w", nx: true)
    assert_operator @redis.ttl("k"), :>, 90
    assert_equal "OK", @redis.mapped_mset("a" => "1", "b" => "2")
    assert_equal({ "a" => "1", "nothing" => nil }, @redis.mapped_mget("a", "nothing"))
    assert_equal [6, 6.5], [@redis.incrby("a", 5), @redis.incrbyfloat("a", 0.5)]
    assert @redis.pexpire("k", 20)
    wait_until { !@redis.exists?("k") }
    assert_equal 2, @redis.unlink("a", "b")
  end

  def test_hashes
    assert_equal 2, @redis.hset("h", "a" => 1, "b" => "two")
    assert_equal({ "a" => "1", "b" => "two" }, @redis.hgetall("h"))
    assert_equal({ "a" => "1", "z" => nil }, @redis.mapped_hmget("h", "a", "z"))
    assert_equal [42, 42.5], [@redis.hincrby("h", "a", 41), @redis.hincrbyfloat("h", "a", 0.5)]
    assert_equal [false, true], [@redis.hsetnx("h", "a", 1), @redis.hexists("h", "b")]
    assert_equal 1, @redis.hdel("h", "a", "z")
    assert_equal [%w[b two]], @redis.hrandfield("h", 5, "with_values": true)
  end

  def test_sets_and_lists
    assert_equal 3, @redis.sadd("a", %w[1 2 x])
    @redis.sadd("b", %w[2 x y])
    assert_equal %w[2 x], @redis.sinter("a", "b").sort
    assert_equal 1, @redis.sdiffstore("c", "a", "b")
    assert_equal [true, false], @redis.smismember("a", "1", "y")
    assert_equal 3, @redis.rpush("l", %w[a b c])
    assert_equal "c", @redis.lmove("l", "other", "RIGHT", "LEFT")
    assert_equal %w[a b], @redis.lrange("l", 0, -1)
    assert_equal %w[l a], @redis.blpop("nothing", "l", timeout: 1)
    assert_nil @redis.brpop("nothing", timeout: 0.01)
  end

  def test_sorted_sets
    assert_equal 3, @redis.zadd("z", [[1, "a"], [2.5, "b"], [Float::INFINITY, "c"]])
    assert_equal [["a", 1.0], ["b", 2.5], ["c", Float::INFINITY]], @redis.zrange("z", 0, -1, with_scores: true)
    assert_equal ["b"], @redis.zrange("z", "(1", "+inf", by_score: true, limit: [0, 1])
    assert_equal 1.25, @redis.zincrby("z", 0.25, "a")
    assert_equal [1, 1, nil], [@redis.zrank("z", "b"), @redis.zrevrank("z", "b"), @redis.zrank("z", "no")]
    assert_equal [1.25, nil], @redis.zmscore("z", "a", "no")
    assert_equal ["a", 1.25], @redis.zpopmin("z")
    assert_equal [["c", Float::INFINITY], ["b", 2.5]], @redis.zpopmax("z", 2)
  end

  def test_iterators_find_everything_once
    names = Array.new(1000) { |n| "m:#{n}" }
    @redis.mapped_mset(names.to_h { |name| [name, name] })
    @redis.mapped_hmset("h", names.to_h { |name| [name, name] })
    @redis.zadd("z", names.each_with_index.map { |name, n| [n, name] })
    assert_equal names.sort, @redis.scan_each(match: "m:*", count: 100, type: "string").to_a.uniq.sort
    assert_equal names.to_h { |name| [name, name] }, @redis.hscan_each("h").to_h
    assert_equal names.each_with_index.to_h { |name, n| [name, n.to_f] }, @redis.zscan_each("z", count: 10).to_h
  end

  def test_pipelines
    replies = @redis.pipelined do |pipeline|
      1000.times { |n| pipeline.set("k#{n}", n) }
      pipeline.get("k999")
      pipeline.hgetall("nothing")
    end
    assert_equal ["OK", "999", {}], replies.values_at(0, 1000, 1001)
    future = nil
    @redis.pipelined { |pipeline| future = pipeline.incr("k5") }
    assert_equal 6, future.value
  end

  def test_transactions
    assert_equal ["OK", 2, 1], @redis.multi { |tx| tx.set("k", 1); tx.incr("k"); tx.rpush("l", "a") }
    error = assert_raises(Redis::CommandError) { @redis.multi { |tx| tx.rpush("k", "a"); tx.set("after", "done") } }
    assert_equal "WRONGTYPE Operation against a key holding the wrong kind of value", error.message
    assert_equal "done", @redis.get("after")
    result = @redis.watch("k") do
      open.set("k", "changed")
      @redis.multi { |tx| tx.set("k", "mine") }
    end
    assert_nil result
    assert_equal "changed", @redis.get("k")
  end

  def test_scripts
    text = "return {KEYS[1], ARGV[1], redis.call('INCR', KEYS[1])}"
    assert_equal ["n", "v", 1], @redis.eval(text, ["n"], ["v"])
    digest = @redis.script(:load, text)
    assert_equal ["n", "v", 2], @redis.evalsha(digest, keys: ["n"], argv: ["v"])
    assert_equal [true, false], @redis.script(:exists, [digest, "0" * 40])
    @redis.script(:flush)
    error = assert_raises(Redis::CommandError) { @redis.evalsha(digest, keys: ["n"]) }
    assert_equal "NOSCRIPT No matching script. Please use EVAL.", error.message
  end

  def test_messages
    got = []
    publisher = Thread.new do
      wait_until { @redis.pubsub(:numsub, "c") == ["c", 1] && @redis.pubsub(:numpat) == 1 }
      3.times { |n| @redis.publish(n == 1 ? "pattern" : "c", n) }
    end
    subscriber = open
    subscriber.subscribe("c") do |on|
      on.subscribe { |_, count| subscriber.psubscribe("p*") if count == 1 }
      on.pmessage { |pattern, channel, message| got << [pattern, channel, message] }
      on.message do |channel, message|
        got << [channel, message]
        if message == "2"
          subscriber.punsubscribe("p*")
          subscriber.unsubscribe("c")
        end
      end
    end
    publisher.join
    assert_equal [%w[c 0], %w[p* pattern 1], %w[c 2]], got
    assert_equal "PONG", subscriber.ping
  end

  def test_errors_databases_and_names
    @redis.set("k", "abc")
    error = assert_raises(Redis::CommandError) { @redis.incr("k") }
    assert_equal "ERR value is not an integer or out of range", error.message
    other = open(db: 5, id: "suite")
    assert_nil other.get("k")
    assert_equal "suite", other.client(:getname)
    assert_includes @redis.client(:list).map { |client| client["name"] }, "suite"
    assert_equal "master", @redis.info("replication")["role"]
    assert_equal({ "port" => ENV.fetch("LARDER_PORT") }, @redis.config(:get, "port"))
  end

  def test_connects_again_after_it_was_cut
    other = open(reconnect_attempts: 5)
    assert_equal 1, @redis.call([:client, :kill, :id, other.call(%w[client id])])
    assert_equal "PONG", other.ping
  end
end
