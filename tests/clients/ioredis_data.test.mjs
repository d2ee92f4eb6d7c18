// ioredis 5 and 6 beyond strings: collections, transactions, scripts and messages. The package is named in LARDER_CLIENT.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, beforeEach, describe, test } from 'node:test'
import { host, packageName, port, until } from './server_under_test.mjs'

const { default: Redis } = await import(packageName)
const opened = []

function open (options = {}) {
  const client = new Redis({ host, port, ...options })
  client.on('error', () => {})
  opened.push(client)
  return client
}

const redis = open()
beforeEach(() => redis.flushall(), { timeout: 10000 })
after(() => opened.forEach(client => client.disconnect()))

/** Scores and members in one flat list of texts, however the protocol version nests them. */
const flatTexts = reply => reply.flat(Infinity).map(String)

describe('collections', { timeout: 30000 }, () => {
  test('hashes', async () => {
    assert.equal(await redis.hset('h', { a: '1', b: 'two' }), 2)
    assert.equal(await redis.hset('h', 'a', '3', 'c', ''), 1)
    assert.deepEqual({ ...await redis.hgetall('h') }, { a: '3', b: 'two', c: '' })
    assert.deepEqual({ ...await redis.hgetall('nothing') }, {})
    assert.equal(await redis.hmset('h', new Map([['d', '4']])), 'OK')
    assert.deepEqual(await redis.hmget('h', 'd', 'nothing'), ['4', null])
    assert.equal(await redis.hincrby('h', 'd', 5), 9)
    assert.equal(await redis.hincrbyfloat('h', 'd', 0.5), '9.5')
    assert.equal(await redis.hsetnx('h', 'd', 'x'), 0)
    assert.deepEqual([await redis.hlen('h'), await redis.hstrlen('h', 'b'), await redis.hexists('h', 'zz')], [4, 3, 0])
    assert.deepEqual((await redis.hkeys('h')).sort(), ['a', 'b', 'c', 'd'])
    assert.equal(await redis.hdel('h', 'a', 'b', 'zz'), 2)
    assert.equal((await redis.hrandfield('h', 10)).length, 2)
  })

  test('hscanStream finds every field with its value', async () => {
    const fields = Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`field:${n}`, String(n)]))
    await redis.hset('h', { ...fields, other: 'x' })
    const found = {}
    for await (const reply of redis.hscanStream('h', { match: 'field:*', count: 100 })) {
      for (let n = 0; n < reply.length; n += 2) found[reply[n]] = reply[n + 1]
    }
    assert.deepEqual(found, fields)
  })

  test('sets', async () => {
    assert.equal(await redis.sadd('a', 1, 2, 3, 'x'), 4)
    await redis.sadd('b', ['3', 'x', 'y'])
    assert.deepEqual((await redis.sinter('a', 'b')).sort(), ['3', 'x'])
    assert.deepEqual((await redis.sdiff('a', 'b')).sort(), ['1', '2'])
    assert.equal(await redis.sunionstore('c', 'a', 'b'), 5)
    assert.equal(await redis.sintercard(2, 'a', 'b', 'LIMIT', 1), 1)
    assert.deepEqual(await redis.smismember('c', 'y', 'nothing'), [1, 0])
    assert.equal(await redis.smove('a', 'b', '1'), 1)
    assert.equal((await redis.spop('c', 2)).length, 2)
    assert.deepEqual((await redis.smembers('b')).sort(), ['1', '3', 'x', 'y'])
    assert.equal(await redis.scard('c'), 3)
  })

  test('sscanStream and zscanStream find every member', async () => {
    const members = Array.from({ length: 1500 }, (_, n) => `m:${n}`)
    await redis.sadd('s', members)
    await redis.zadd('z', ...members.flatMap((member, n) => [n, member]))
    const ofSet = new Set()
    for await (const reply of redis.sscanStream('s', { count: 50 })) reply.forEach(member => ofSet.add(member))
    assert.deepEqual([...ofSet].sort(), [...members].sort())
    const ofSorted = new Map()
    for await (const reply of redis.zscanStream('z', { match: 'm:*' })) {
      const flat = flatTexts(reply)
      for (let n = 0; n < flat.length; n += 2) ofSorted.set(flat[n], Number(flat[n + 1]))
    }
    assert.deepEqual([...ofSorted].sort((a, b) => a[1] - b[1]), members.map((member, n) => [member, n]))
  })

  test('sorted sets', async () => {
    assert.equal(await redis.zadd('z', 1, 'a', '2.5', 'b', '+inf', 'c'), 3)
    assert.equal(await redis.zadd('z', 'GT', 'CH', 0, 'a', 5, 'b'), 1)
    assert.equal(Number(await redis.zscore('z', 'b')), 5)
    assert.deepEqual(await redis.zrange('z', 0, -1), ['a', 'b', 'c'])
    assert.deepEqual(flatTexts(await redis.zrange('z', 0, 1, 'WITHSCORES')), ['a', '1', 'b', '5'])
    assert.deepEqual(await redis.zrange('z', '(1', '+inf', 'BYSCORE', 'LIMIT', 0, 1), ['b'])
    assert.deepEqual(await redis.zrevrangebyscore('z', '+inf', '-inf'), ['c', 'b', 'a'])
    assert.deepEqual([await redis.zrank('z', 'b'), await redis.zrevrank('z', 'b'), await redis.zrank('z', 'no')], [1, 1, null])
    assert.equal(Number(await redis.zincrby('z', 0.25, 'a')), 1.25)
    assert.equal(await redis.zcount('z', '-inf', '(5'), 1)
    assert.equal(await redis.zremrangebyscore('z', 5, 5), 1)
    assert.deepEqual(flatTexts(await redis.zpopmin('z')), ['a', '1.25'])
    assert.equal(await redis.zunionstore('u', 1, 'z', 'WEIGHTS', 2), 1)
    assert.equal(await redis.zcard('u'), 1)
  })

  test('lists', async () => {
    assert.equal(await redis.rpush('l', 'a', 'b', 'c'), 3)
    assert.equal(await redis.lpush('l', ['z', 'y']), 5)
    assert.deepEqual(await redis.lrange('l', 0, -1), ['y', 'z', 'a', 'b', 'c'])
    assert.equal(await redis.linsert('l', 'BEFORE', 'a', 'new'), 6)
    assert.equal(await redis.lpos('l', 'a'), 3)
    assert.equal(await redis.lindex('l', -1), 'c')
    assert.equal(await redis.lset('l', 0, 'first'), 'OK')
    assert.equal(await redis.lrem('l', 1, 'new'), 1)
    assert.equal(await redis.ltrim('l', 0, 2), 'OK')
    assert.equal(await redis.lmove('l', 'other', 'RIGHT', 'LEFT'), 'a')
    assert.deepEqual(await redis.lpop('l', 5), ['first', 'z'])
    assert.equal(await redis.exists('l'), 0)
  })

  test('a blocked connection is served by another one', async () => {
    const waiting = open()
    const popped = waiting.blpop('first', 'second', 0)
    await until(async () => /blocked_clients:1\r/.test(await redis.info('clients')))
    await redis.rpush('second', 'job')
    assert.deepEqual(await popped, ['second', 'job'])
    const highest = waiting.bzpopmin('scores', 0)
    await until(async () => /blocked_clients:1\r/.test(await redis.info('clients')))
    await redis.zadd('scores', 1.5, 'm')
    assert.deepEqual((await highest).map(String), ['scores', 'm', '1.5'])
    assert.equal(await waiting.blpop('nothing', 0.01), null)
  })

  test('a wrong kind of value is refused', async () => {
    await redis.set('k', 'v')
    await assert.rejects(redis.lpush('k', 1), /^ReplyError: WRONGTYPE Operation against a key holding the wrong kind of value$/)
    await assert.rejects(redis.hset('k', 'f', 1), /WRONGTYPE/)
  })
})

describe('transactions', { timeout: 30000 }, () => {
  test('multi answers for all commands', async () => {
    const replies = await redis.multi().set('k', 'v').rpush('l', 1, 2).hset('h', 'f', 'v').get('k').exec()
    assert.deepEqual(replies, [[null, 'OK'], [null, 2], [null, 1], [null, 'v']])
  })

  test('an error of one command is its element', async () => {
    const replies = await redis.multi().set('k', 'abc').incr('k').rpush('k', 1).get('k').exec()
    assert.deepEqual(replies.map(([error, value]) => error?.message ?? value), ['OK',
      'ERR value is not an integer or out of range',
      'WRONGTYPE Operation against a key holding the wrong kind of value', 'abc'])
  })

  test('a command that cannot be queued aborts all', async () => {
    await assert.rejects(redis.multi().set('k', 'v').call('get').exec(),
      /EXECABORT Transaction discarded because of previous errors\./)
    assert.equal(await redis.exists('k'), 0)
  })

  test('without a pipeline every command is queued by itself', async () => {
    const client = open()
    assert.equal(await client.multi({ pipeline: false }), 'OK')
    assert.equal(await client.set('k', 'v'), 'QUEUED')
    assert.equal(await client.get('k'), 'QUEUED')
    assert.equal(await redis.exists('k'), 0)
    assert.deepEqual(await client.exec(), [[null, 'OK'], [null, 'v']])
    await client.multi({ pipeline: false })
    await client.set('k', 'w')
    assert.equal(await client.discard(), 'OK')
    assert.equal(await redis.get('k'), 'v')
    await assert.rejects(client.call('exec'), /ERR EXEC without MULTI/)
  })

  test('watch lets the exec of a changed key fail', async () => {
    const client = open()
    await redis.set('k', '1')
    await client.watch('k')
    await redis.incr('k')
    assert.equal(await client.multi().incr('k').exec(), null)
    await client.watch('k')
    assert.deepEqual(await client.multi().incr('k').exec(), [[null, 3]])
  })

  test('optimistic increments of several connections lose nothing', async () => {
    const increment = async client => {
      for (let done = 0; done < 25;) {
        await client.watch('n')
        const value = Number(await client.get('n'))
        if (await client.multi().set('n', value + 1).exec()) done++
      }
    }
    await Promise.all([open(), open(), open(), open()].map(increment))
    assert.equal(await redis.get('n'), '100')
  })
})

describe('scripts', { timeout: 30000 }, () => {
  test('defineCommand sends the text once and the digest after that', async () => {
    const client = open()
    client.defineCommand('addTo', {
      numberOfKeys: 1,
      lua: "local sum = redis.call('INCRBY', KEYS[1], ARGV[1]) return {sum, KEYS[1], ARGV[1]}"
    })
    await client.script('FLUSH')
    assert.deepEqual(await client.addTo('n', 5), [5, 'n', '5'])
    assert.deepEqual(await client.addTo('n', 6), [11, 'n', '6'])
    await client.script('FLUSH')
    assert.deepEqual(await client.addTo('n', 1), [12, 'n', '1'])
  })

  test('defined commands in pipelines, transactions and with a key prefix', async () => {
    const echoKeys = { lua: 'return {KEYS[1], KEYS[2], ARGV[1]}', numberOfKeys: 2 }
    const client = open({ keyPrefix: 'app:', scripts: { echoKeys } })
    assert.deepEqual(await client.echoKeys('a', 'b', 'c'), ['app:a', 'app:b', 'c'])
    assert.deepEqual(await client.pipeline().set('k', 1).echoKeys('a', 'b', 'c').exec(),
      [[null, 'OK'], [null, ['app:a', 'app:b', 'c']]])
    assert.deepEqual(await client.multi().echoKeys('a', 'b', 'c').incr('k').exec(),
      [[null, ['app:a', 'app:b', 'c']], [null, 2]])
  })

  test('values of Lua come as replies', async () => {
    const reply = await redis.eval("return {1, 3.99, 'text', false, true, {ok = 'FINE'}, {2, {3}}, nil, 'lost'}", 0)
    assert.deepEqual(reply, [1, 3, 'text', null, 1, 'FINE', [2, [3]]])
    assert.equal(await redis.eval("return redis.call('GET', KEYS[1])", 1, 'nothing'), null)
    await assert.rejects(redis.eval("return redis.error_reply('MINE went wrong')", 0), /^ReplyError: MINE went wrong/)
    await assert.rejects(redis.eval("return redis.call('INCR', KEYS[1], 'too many')", 1, 'k'),
      /ERR Wrong number of args calling Redis command from script/)
  })

  test('the cache of scripts', async () => {
    const digest = await redis.script('LOAD', 'return ARGV[1]')
    assert.match(digest, /^[0-9a-f]{40}$/)
    assert.deepEqual(await redis.script('EXISTS', digest, '0'.repeat(40)), [1, 0])
    assert.equal(await redis.evalsha(digest, 0, 'x'), 'x')
    assert.equal(await redis.evalsha(digest.toUpperCase(), 0, 'x'), 'x')
    await assert.rejects(redis.evalsha('0'.repeat(40), 0), /^ReplyError: NOSCRIPT No matching script\. Please use EVAL\.$/)
  })

  test('scripts of several connections are atomic', async () => {
    const lua = `local n = tonumber(redis.call('GET', KEYS[1]) or '0')
      redis.call('SET', KEYS[1], n + 1)
      return redis.call('RPUSH', KEYS[2], n)`
    await Promise.all([open(), open(), open(), open()].map(client =>
      Promise.all(Array.from({ length: 100 }, () => client.eval(lua, 2, 'n', 'order')))))
    assert.deepEqual(await redis.lrange('order', 0, -1), Array.from({ length: 400 }, (_, n) => String(n)))
  })
})

describe('messages', { timeout: 30000 }, () => {
  test('channels and patterns, in the order of publishing', async () => {
    const subscriber = open()
    assert.equal(await subscriber.subscribe('news', 'sport'), 2)
    assert.equal(await subscriber.psubscribe('n?ws'), 3)
    const got = []
    subscriber.on('message', (channel, message) => got.push([channel, message]))
    subscriber.on('pmessage', (pattern, channel, message) => got.push([pattern, channel, message]))
    assert.equal(await redis.publish('news', 'one'), 2)
    assert.equal(await redis.publish('sport', 'two'), 1)
    assert.equal(await redis.publish('nobody', 'lost'), 0)
    await until(() => got.length === 3)
    assert.deepEqual(got, [['news', 'one'], ['n?ws', 'news', 'one'], ['sport', 'two']])
    assert.deepEqual(await redis.pubsub('NUMSUB', 'news', 'nobody'), ['news', 1, 'nobody', 0])
    assert.equal(await redis.pubsub('NUMPAT'), 1)
    assert.equal(await subscriber.unsubscribe('sport'), 2)
    assert.equal(await subscriber.punsubscribe('n?ws'), 1)
    assert.equal(await subscriber.unsubscribe(), 0)
    assert.equal(await subscriber.set('k', 'an ordinary connection again'), 'OK')
  })

  test('a thousand messages from two publishers keep each one\'s order', async () => {
    const subscriber = open()
    await subscriber.subscribe('stream')
    const got = { a: [], b: [] }
    subscriber.on('message', (_, message) => got[message[0]].push(Number(message.slice(1))))
    const numbers = Array.from({ length: 500 }, (_, n) => n)
    const publish = name => {
      const client = open()
      return Promise.all(numbers.map(n => client.publish('stream', name + n)))
    }
    await Promise.all([publish('a'), publish('b')])
    await until(() => got.a.length + got.b.length === 1000)
    assert.deepEqual(got, { a: numbers, b: numbers })
  })

  test('subscriptions come back after the connection was killed', async () => {
    const subscriber = open({ connectionName: 'subscriber', retryStrategy: () => 5 })
    await subscriber.subscribe('news')
    const [, id] = (await redis.client('LIST', 'TYPE', 'PUBSUB')).match(/id=(\d+) .*name=subscriber/)
    const again = once(subscriber, 'ready')
    assert.equal(await redis.client('KILL', 'ID', id), 1)
    await again
    const message = once(subscriber, 'message')
    await until(async () => await redis.publish('news', 'back') === 1)
    assert.deepEqual(await message, ['news', 'back'])
  })

  test('binary messages, and messages out of scripts and transactions', async () => {
    const subscriber = open()
    await subscriber.subscribe('c')
    const got = []
    subscriber.on('messageBuffer', (_, message) => got.push(message.toString('hex')))
    await redis.publish('c', Buffer.from([0, 13, 10, 255]))
    await redis.multi().publish('c', 'tx').exec()
    await redis.eval("return redis.call('PUBLISH', 'c', 'lua')", 0)
    await until(() => got.length === 3)
    assert.deepEqual(got, ['000d0aff', Buffer.from('tx').toString('hex'), Buffer.from('lua').toString('hex')])
  })

  test('sharded channels', async () => {
    const subscriber = open()
    assert.equal(await subscriber.ssubscribe('shard'), 1)
    const message = once(subscriber, 'smessage')
    assert.equal(await redis.spublish('shard', 'm'), 1)
    assert.deepEqual(await message, ['shard', 'm'])
    assert.equal(await subscriber.sunsubscribe('shard'), 0)
  })
})

describe('everything pipelined by itself', { timeout: 30000 }, () => {
  test('automatic pipelining of all kinds of commands', async () => {
    const client = open({ enableAutoPipelining: true })
    client.defineCommand('double', { numberOfKeys: 1, lua: "return redis.call('GET', KEYS[1]) * 2" })
    const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => [client.set(`k${n}`, n), client.double(`k${n}`),
      client.rpush('l', n), client.hset('h', n, n), client.zadd('z', n, n)]).flat())
    assert.deepEqual(answers, Array.from({ length: 200 }, (_, n) => ['OK', n * 2, n + 1, 1, 1]).flat())
  })
})
