// node-redis 5 and 6 beyond strings, in RESP2 and in RESP3: collections, transactions, scripts, functions and messages. The
// package is named in LARDER_CLIENT.

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { host, packageName, port, until } from './server_under_test.mjs'

const library = await import(packageName)

const scripts = {
  addTo: library.defineScript({
    NUMBER_OF_KEYS: 1,
    SCRIPT: "return redis.call('INCRBY', KEYS[1], ARGV[1])",
    parseCommand (parser, key, number) {
      parser.pushKey(key)
      parser.push(String(number))
    },
    transformReply: reply => reply
  })
}

const functions = {
  suite: {
    addTo: {
      NUMBER_OF_KEYS: 1,
      parseCommand (parser, key, number) {
        parser.pushKey(key)
        parser.push(String(number))
      },
      transformReply: reply => reply
    }
  }
}

for (const RESP of [2, 3]) {
  describe(`RESP${RESP}`, { timeout: 60000 }, () => {
    const opened = []
    let redis

    async function open (options = {}) {
      const client = library.createClient({ socket: { host, port, reconnectStrategy: 5 }, RESP, scripts, functions, ...options })
      client.on('error', () => {})
      opened.push(client)
      return await client.connect()
    }

    before(async () => { redis = await open() }, { timeout: 10000 })
    beforeEach(() => redis.flushAll(), { timeout: 10000 })
    after(() => Promise.allSettled(opened.filter(client => client.isOpen).map(client => client.destroy())))

    describe('collections', () => {
      test('hashes', async () => {
        assert.equal(await redis.hSet('h', { a: '1', b: 'two' }), 2)
        assert.deepEqual({ ...await redis.hGetAll('h') }, { a: '1', b: 'two' })
        assert.deepEqual({ ...await redis.hGetAll('nothing') }, {})
        assert.deepEqual(await redis.hmGet('h', ['a', 'nothing']), ['1', null])
        assert.equal(await redis.hIncrBy('h', 'a', 41), 42)
        assert.equal(await redis.hIncrByFloat('h', 'a', 0.5), '42.5')
        assert.equal(await redis.hDel('h', ['a', 'nothing']), 1)
        assert.deepEqual(await redis.hRandFieldCountWithValues('h', 5), [{ field: 'b', value: 'two' }])
      })

      test('fields with a lifetime', async context => {
        // The comparison server of these suites, redis-server 7.0, has no lifetimes of fields.
        if (/redis_version:7\.[01]\./.test(await redis.info('server'))) return context.skip('came with Redis 7.4')
        await redis.hSet('h', { a: '1', b: '2', c: '3' })
        assert.deepEqual(await redis.hExpire('h', ['a', 'nothing'], 100), [1, -2])
        assert.deepEqual(await redis.hpExpire('h', 'b', 20), [1])
        const [left, never] = await redis.hTTL('h', ['a', 'c'])
        assert.ok(left > 90 && left <= 100 && never === -1)
        await until(async () => await redis.hLen('h') === 2)
        assert.deepEqual({ ...await redis.hGetAll('h') }, { a: '1', c: '3' })
        assert.deepEqual(await redis.hPersist('h', ['a', 'c']), [1, -1])
        assert.deepEqual(await redis.hGetEx('h', ['c'], { expiration: { type: 'EX', value: 50 } }), ['3'])
        assert.equal(Number(await redis.hSetEx('h', { d: '4' }, { expiration: { type: 'PX', value: 60000 }, mode: 'FNX' })), 1)
        assert.ok((await redis.hpTTL('h', 'd'))[0] > 50000)
        assert.deepEqual(await redis.hGetDel('h', ['d', 'nothing']), ['4', null])
        assert.equal(await redis.hLen('h'), 2)
      })

      test('hScanIterator, sScanIterator and zScanIterator', async () => {
        const names = Array.from({ length: 1000 }, (_, n) => `m:${n}`)
        await redis.hSet('h', Object.fromEntries(names.map(name => [name, name])))
        await redis.sAdd('s', names)
        await redis.zAdd('z', names.map((value, score) => ({ value, score })))
        const found = { h: new Set(), s: new Set(), z: new Set() }
        for await (const entries of redis.hScanIterator('h', { COUNT: 100 })) entries.forEach(({ field }) => found.h.add(field))
        for await (const members of redis.sScanIterator('s', { MATCH: 'm:*' })) members.forEach(member => found.s.add(member))
        for await (const members of redis.zScanIterator('z')) {
          members.forEach(({ value, score }) => found.z.add(`${value}=${score}`))
        }
        assert.deepEqual([...found.h].sort(), [...names].sort())
        assert.deepEqual([...found.s].sort(), [...names].sort())
        assert.deepEqual([...found.z].sort(), names.map((name, n) => `${name}=${n}`).sort())
      })

      test('sets', async () => {
        await redis.sAdd('a', ['1', '2', 'x'])
        await redis.sAdd('b', ['2', 'x', 'y'])
        assert.deepEqual([...await redis.sMembers('a')].sort(), ['1', '2', 'x'])
        assert.deepEqual([...await redis.sInter(['a', 'b'])].sort(), ['2', 'x'])
        assert.deepEqual([...await redis.sUnion(['a', 'b'])].sort(), ['1', '2', 'x', 'y'])
        assert.equal(await redis.sDiffStore('c', ['a', 'b']), 1)
        assert.deepEqual((await redis.smIsMember('a', ['1', 'y'])).map(Number), [1, 0])
        assert.equal(await redis.sPop('c'), '1')
      })

      test('sorted sets', async () => {
        const members = [{ value: 'a', score: 1 }, { value: 'b', score: 2.5 }, { value: 'c', score: Infinity }]
        assert.equal(await redis.zAdd('z', members), 3)
        assert.deepEqual(await redis.zRangeWithScores('z', 0, -1), members)
        assert.deepEqual(await redis.zRange('z', '(1', '+inf', { BY: 'SCORE', LIMIT: { offset: 0, count: 1 } }), ['b'])
        assert.equal(await redis.zScore('z', 'b'), 2.5)
        assert.equal(await redis.zScore('z', 'nothing'), null)
        assert.deepEqual(await redis.zmScore('z', ['a', 'nothing']), [1, null])
        assert.equal(await redis.zIncrBy('z', 0.25, 'a'), 1.25)
        assert.deepEqual(await redis.zPopMin('z'), { value: 'a', score: 1.25 })
        assert.deepEqual(await redis.zPopMaxCount('z', 2), [{ value: 'c', score: Infinity }, { value: 'b', score: 2.5 }])
        assert.equal(await redis.zPopMin('z'), null)
      })

      test('lists, and waiting for them', async () => {
        assert.equal(await redis.rPush('l', ['a', 'b', 'c']), 3)
        assert.equal(await redis.lMove('l', 'other', 'LEFT', 'RIGHT'), 'a')
        assert.deepEqual(await redis.lRange('l', 0, -1), ['b', 'c'])
        assert.deepEqual(await redis.lmPop(['nothing', 'l'], 'LEFT', { COUNT: 5 }), ['l', ['b', 'c']])
        const waiting = await open()
        const popped = waiting.blPop(['first', 'second'], 0)
        await until(async () => /blocked_clients:1\r/.test(await redis.info('clients')))
        await redis.rPush('second', 'job')
        assert.deepEqual({ ...await popped }, { key: 'second', element: 'job' })
        assert.equal(await waiting.bzPopMin('nothing', 0.01), null)
      })
    })

    describe('transactions', () => {
      test('multi answers for all commands', async () => {
        const replies = await redis.multi().set('k', '1').incr('k').hSet('h', { a: 'b' }).hGetAll('h').exec()
        assert.deepEqual([...replies.slice(0, 3), { ...replies[3] }], ['OK', 2, 1, { a: 'b' }])
      })

      test('errors of single commands do not stop the others', async () => {
        await assert.rejects(redis.multi().set('k', 'abc').incr('k').set('k2', 'v').exec(), error => {
          assert.ok(error instanceof library.MultiErrorReply)
          assert.deepEqual(error.errorIndexes, [1])
          assert.equal(error.replies[1].message, 'ERR value is not an integer or out of range')
          return true
        })
        assert.equal(await redis.get('k2'), 'v')
      })

      test('a command that cannot be queued aborts all', async () => {
        await assert.rejects(redis.multi().set('k', 'v').addCommand(['get']).exec(),
          /EXECABORT Transaction discarded because of previous errors\.|ERR wrong number of arguments for 'get' command/)
        assert.equal(await redis.exists('k'), 0)
      })

      test('watch lets the exec of a changed key fail', async () => {
        const client = await open()
        await client.watch('k')
        await redis.set('k', '1')
        await assert.rejects(client.multi().set('k', '2').exec(), library.WatchError)
        await client.watch('k')
        assert.deepEqual(await client.multi().incr('k').exec(), [2])
        await client.watch('k')
        await redis.set('k', '5')
        assert.equal(await client.unwatch(), 'OK')
        assert.deepEqual(await client.multi().incr('k').exec(), [6])
      })
    })

    describe('scripts and functions', () => {
      test('a defined script goes on by its digest and loads again when that is unknown', async () => {
        await redis.scriptFlush()
        assert.equal(await redis.addTo('n', 5), 5)
        assert.equal(await redis.addTo('n', 6), 11)
        await redis.scriptFlush()
        assert.equal(await redis.addTo('n', 1), 12)
        assert.deepEqual(await redis.multi().addTo('n', 1).get('n').exec(), [13, '13'])
      })

      test('values of Lua', async () => {
        assert.deepEqual(await redis.eval("return {1, 3.99, 'text', {ARGV[1], KEYS[1]}}", { keys: ['k'], arguments: ['v'] }),
          [1, 3, 'text', ['v', 'k']])
        await redis.hSet('h', { a: '1' })
        assert.deepEqual(await redis.eval("return redis.call('HGETALL', KEYS[1])", { keys: ['h'] }), ['a', '1'])
        const digest = await redis.scriptLoad('return ARGV[1]')
        assert.deepEqual((await redis.scriptExists([digest, 'f'.repeat(40)])).map(Number), [1, 0])
        assert.equal(await redis.evalSha(digest, { arguments: ['x'] }), 'x')
        await assert.rejects(redis.evalSha('f'.repeat(40)), /^Error: NOSCRIPT No matching script\. Please use EVAL\.$/)
        await assert.rejects(redis.evalRo("return redis.call('SET', KEYS[1], 'v')", { keys: ['k'] }),
          /ERR Write commands are not allowed from read-only scripts/)
      })

      test('a library of functions', async () => {
        const code = "#!lua name=suite\nredis.register_function('addTo', function(keys, args) " +
          "return redis.call('INCRBY', keys[1], args[1]) end)"
        assert.equal(await redis.functionLoad(code, { REPLACE: true }), 'suite')
        assert.equal(await redis.suite.addTo('n', 7), 7)
        assert.deepEqual(await redis.multi().suite.addTo('n', 1).exec(), [8])
        const [loaded] = await redis.functionList()
        assert.equal(loaded.library_name, 'suite')
        const dump = await redis.withTypeMapping({ [library.RESP_TYPES.BLOB_STRING]: Buffer }).functionDump()
        assert.equal(await redis.functionDelete('suite'), 'OK')
        await assert.rejects(redis.suite.addTo('n', 1), /ERR Function not found/)
        assert.equal(await redis.functionRestore(dump), 'OK')
        assert.equal(await redis.suite.addTo('n', 1), 9)
        assert.equal(await redis.functionFlush(), 'OK')
        assert.deepEqual(await redis.functionList(), [])
      })
    })

    describe('messages', () => {
      test('channels and patterns', async () => {
        const subscriber = await open()
        const got = []
        const listener = (message, channel) => got.push([channel, message])
        await subscriber.subscribe(['news', 'sport'], listener)
        await subscriber.pSubscribe('n?ws', listener)
        assert.equal(await redis.publish('news', 'one'), 2)
        assert.equal(await redis.publish('sport', 'two'), 1)
        await until(() => got.length === 3)
        assert.deepEqual(got, [['news', 'one'], ['news', 'one'], ['sport', 'two']])
        assert.deepEqual((await redis.pubSubChannels()).sort(), ['news', 'sport'])
        assert.deepEqual({ ...await redis.pubSubNumSub(['news', 'nobody']) }, { news: 1, nobody: 0 })
        assert.equal(await redis.pubSubNumPat(), 1)
        await subscriber.unsubscribe(['news', 'sport'])
        await subscriber.pUnsubscribe('n?ws')
        assert.equal(await redis.publish('news', 'nobody reads it'), 0)
        assert.equal(String(await subscriber.set('k', 'v')), 'OK')
      })

      test('a subscriber in RESP3 sends commands as well', { skip: RESP === 2 && 'RESP2 does not allow it' }, async () => {
        const client = await open()
        const got = []
        await client.subscribe('c', message => got.push(message))
        assert.deepEqual(await Promise.all([client.publish('c', '1'), client.incr('n'), client.publish('c', '2')]), [1, 1, 1])
        await until(() => got.length === 2)
        assert.deepEqual(got, ['1', '2'])
      })

      test('subscriptions come back after the connection was killed', async () => {
        const subscriber = await open({ name: 'subscriber' })
        const got = []
        await subscriber.subscribe('news', message => got.push(message))
        const { id } = (await redis.clientList()).find(entry => entry.name === 'subscriber')
        const again = new Promise(resolve => subscriber.once('ready', resolve))
        assert.equal(await redis.clientKill({ filter: 'ID', id }), 1)
        await again
        await until(async () => await redis.publish('news', 'back') === 1)
        await until(() => got.length > 0)
        assert.equal(got[0], 'back')
      })

      test('buffers and sharded channels', async () => {
        const subscriber = await open()
        const got = []
        await subscriber.subscribe('c', message => got.push(message), true)
        await subscriber.sSubscribe('shard', message => got.push(message))
        await redis.publish('c', Buffer.from([0, 13, 10, 255]))
        assert.equal(await redis.sPublish('shard', 'm'), 1)
        await until(() => got.length === 2)
        assert.deepEqual(got, [Buffer.from([0, 13, 10, 255]), 'm'])
        assert.deepEqual({ ...await redis.pubSubShardNumSub(['shard']) }, { shard: 1 })
        await subscriber.sUnsubscribe('shard')
        assert.equal(await redis.sPublish('shard', 'm'), 0)
      })
    })
  })
}
