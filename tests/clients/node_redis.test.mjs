// node-redis 4, 5 and 6: the package is named in LARDER_CLIENT. From 5 on each test runs in RESP2 and in RESP3.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, beforeEach, describe, test } from 'node:test'
import { host, isAtLeast, packageName, port, until } from './server_under_test.mjs'

const library = await import(packageName)
const major = Number(packageName.at(-1))

for (const RESP of major === 4 ? [2] : [2, 3]) {
  describe(`RESP${RESP}`, { timeout: 60000 }, () => {
    const opened = []
    let redis

    async function open (options = {}) {
      const socket = { host, port, reconnectStrategy: 5 }
      const client = library.createClient({ socket, ...(major > 4 && { RESP }), ...options })
      client.on('error', () => {})
      opened.push(client)
      return await client.connect()
    }

    before(async () => { redis = await open() }, { timeout: 10000 })
    beforeEach(() => redis.flushAll(), { timeout: 10000 })
    after(() => Promise.allSettled(opened.filter(client => client.isOpen).map(client => client.disconnect())))

    describe('connecting', () => {
      test('the protocol version is the one asked for', async () => {
        const info = await redis.clientInfo()
        assert.equal(info.resp ?? RESP, RESP)
        assert.equal(info.db, 0)
      })

      test('the name and the library are told', async () => {
        const client = await open({ name: 'suite', clientInfoTag: 'tagged' })
        assert.equal(await client.clientGetName(), 'suite')
        const mine = (await redis.clientList()).find(entry => entry.name === 'suite')
        assert.equal(mine.id, await client.clientId())
        if (isAtLeast(await redis.info('server'), 7, 2)) assert.match(mine.libName, /^node-redis\(tagged\)$/)
      })

      test('the database of the options is selected', async () => {
        const client = await open({ database: 5 })
        await client.set('k', 'five')
        assert.equal(await redis.get('k'), null)
        await client.select(0)
        assert.equal(await client.get('k'), null)
      })

      test('connects by URL', async () => {
        const client = await open({ socket: undefined, url: `redis://${host}:${port}/4` })
        await client.set('k', 'v')
        assert.equal((await client.clientInfo()).db, 4)
      })

      test('connects again after CLIENT KILL, in its database and with its name', async () => {
        const client = await open({ database: 3, name: 'killed' })
        await client.set('k', 'v')
        const id = await client.clientId()
        const again = new Promise(resolve => client.once('ready', resolve))
        assert.equal(await redis.clientKill({ filter: 'ID', id }), 1)
        await again
        assert.equal(await client.get('k'), 'v')
        assert.notEqual(await client.clientId(), id)
        assert.equal(await client.clientGetName(), 'killed')
      })

      test('a password is needed once it is set', async () => {
        await redis.configSet('requirepass', 'secret')
        try {
          const socket = { host, port, reconnectStrategy: false }
          await assert.rejects(async () => await (await open({ socket })).get('k'), /NOAUTH/)
          await assert.rejects(open({ socket, password: 'wrong' }),
            /WRONGPASS invalid username-password pair or user is disabled\./)
          assert.equal(await (await open({ password: 'secret' })).ping(), 'PONG')
          assert.equal(await (await open({ username: 'default', password: 'secret' })).aclWhoAmI(), 'default')
        } finally {
          await redis.configSet('requirepass', '')
        }
      })

      test('quit', async () => {
        const client = await open()
        const ended = once(client, 'end')
        assert.equal(await client.quit(), 'OK')
        await ended
      })
    })

    describe('strings and keys', () => {
      test('set and its options', async () => {
        assert.equal(await redis.set('k', 'v', { EX: 100, NX: true }), 'OK')
        assert.equal(await redis.set('k', 'w', { NX: true }), null)
        assert.equal(await redis.set('k', 'w', { XX: true, GET: true, KEEPTTL: true }), 'v')
        const left = await redis.ttl('k')
        assert.ok(left > 90 && left <= 100)
        assert.equal(await redis.set('k', 'x', { PX: 50000 }), 'OK')
        assert.equal(await redis.set('k', 'y', { EXAT: Math.floor(Date.now() / 1000) + 1000 }), 'OK')
        assert.ok(await redis.ttl('k') > 900)
        assert.deepEqual(await redis.mGet(['k', 'nothing']), ['y', null])
        assert.equal(await redis.getDel('k'), 'y')
        assert.equal(await redis.get('k'), null)
      })

      test('numbers, parts and bits', async () => {
        assert.equal(await redis.mSet({ n: '5', word: 'Hello' }), 'OK')
        assert.equal(Number(await redis.mSetNX({ n: '6', other: '7' })), 0)
        const numbers = await Promise.all([redis.incr('n'), redis.decrBy('n', 10), redis.incrByFloat('n', 0.1)])
        assert.deepEqual(numbers, [6, -4, '-3.9'])
        assert.equal(await redis.append('word', ' World'), 11)
        assert.equal(await redis.getRange('word', -5, -1), 'World')
        assert.equal(await redis.setRange('word', 6, 'there'), 11)
        assert.equal(await redis.strLen('word'), 11)
        assert.equal(await redis.setBit('bits', 9, 1), 0)
        assert.equal(await redis.bitCount('bits'), 1)
        assert.equal(await redis.bitPos('bits', 1), 9)
        assert.deepEqual(await redis.bitField('bits', [{ operation: 'GET', encoding: 'u8', offset: 8 }]), [64])
        assert.equal(await redis.set('word2', 'Help') && await redis.lcs('word', 'word2'), 'Hel')
        const { len, length = len } = await redis.lcsIdx('word', 'word2')
        assert.equal(length, 3)
      })

      test('binary and large values', async () => {
        const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n))
        const large = Buffer.alloc(10 * 1024 * 1024, bytes)
        const buffers = major === 4
          ? { get: key => redis.get(library.commandOptions({ returnBuffers: true }), key) }
          : redis.withTypeMapping({ [library.RESP_TYPES.BLOB_STRING]: Buffer })
        await redis.set(bytes, bytes)
        assert.deepEqual(await buffers.get(bytes), bytes)
        await redis.set('large', large)
        assert.ok(large.equals(await buffers.get('large')))
        await redis.set('ключ', '🥫')
        assert.equal(await redis.get('ключ'), '🥫')
      })

      test('expiry', async () => {
        await redis.mSet([['a', '1'], ['b', '1']])
        assert.equal(Number(await redis.pExpire('a', 20)), 1)
        assert.equal(Number(await redis.expire('b', 100, 'NX')), 1)
        assert.equal(Number(await redis.expire('b', 50, 'NX')), 0)
        assert.ok(await redis.expireTime('b') > Date.now() / 1000)
        await until(async () => await redis.exists('a') === 0)
        assert.equal(Number(await redis.persist('b')), 1)
        assert.deepEqual([await redis.ttl('b'), await redis.pTTL('a')], [-1, -2])
      })

      test('rename, copy, move, type, object', async () => {
        await redis.set('a', '12')
        assert.equal(await redis.rename('a', 'b'), 'OK')
        assert.equal(Number(await redis.copy('b', 'c')), 1)
        assert.equal(Number(await redis.move('c', 7)), 1)
        assert.equal(await redis.type('b'), 'string')
        assert.equal(await redis.objectEncoding('b'), 'int')
        assert.equal(await redis.randomKey(), 'b')
        assert.equal(await redis.unlink('b'), 1)
        assert.equal(await redis.dbSize(), 0)
      })

      test('scanIterator', async () => {
        await redis.mSet(Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`k:${n}`, String(n)])))
        await redis.set('other', '1')
        const found = new Set()
        for await (const keys of redis.scanIterator({ MATCH: 'k:*', COUNT: 100, TYPE: 'string' })) {
          [keys].flat().forEach(key => found.add(key)) // one key at a time in 4, an array from 5 on
        }
        assert.equal(found.size, 3000)
        assert.equal((await redis.keys('k:1?')).length, 10)
      })
    })

    describe('pipelines', () => {
      test('automatic pipelining of promises', async () => {
        const numbers = Array.from({ length: 5000 }, (_, n) => n)
        const answers = await Promise.all(numbers.flatMap(n => [redis.set(`k${n}`, String(n)), redis.get(`k${n}`)]))
        assert.deepEqual(answers, numbers.flatMap(n => ['OK', String(n)]))
      })

      test('errors among replies, in order', async () => {
        const answers = await Promise.allSettled([redis.set('k', 'abc'), redis.incr('k'), redis.sendCommand(['nosuch', 'a']),
          redis.get('k')])
        assert.deepEqual(answers.map(({ value, reason }) => reason?.message ?? value), ['OK',
          'ERR value is not an integer or out of range', "ERR unknown command 'nosuch', with args beginning with: 'a' ", 'abc'])
        assert.ok(answers[1].reason instanceof library.ErrorReply)
      })

      test('batch without a transaction', async () => {
        const replies = await redis.multi().set('k', '1').incr('k').get('k').execAsPipeline()
        assert.deepEqual(replies, ['OK', 2, '2'])
      })

      test('a pool of connections', { skip: major === 4 }, async () => {
        const pool = library.createClientPool({ socket: { host, port }, RESP }, { minimum: 2, maximum: 5 })
        await pool.connect()
        const answers = await Promise.all(Array.from({ length: 500 }, () => pool.incr('n')))
        assert.deepEqual(answers.sort((a, b) => a - b), Array.from({ length: 500 }, (_, n) => n + 1))
        await pool.close()
      })
    })

    describe('the server', () => {
      test('config, information, time, memory', async () => {
        assert.deepEqual({ ...await redis.configGet('port') }, { port: String(port) })
        assert.equal(await redis.configSet('slowlog-max-len', '200'), 'OK')
        assert.match(await redis.info('replication'), /\r\nrole:master\r\n/)
        const now = await redis.time()
        assert.ok(Math.abs(Number(now instanceof Date ? now : now[0] * 1000) - Date.now()) < 60000)
        await redis.set('k', 'x'.repeat(1000))
        assert.ok(await redis.memoryUsage('k') > 1000)
        assert.equal(await redis.memoryUsage('nothing'), null)
        assert.equal((await redis.role()).role, 'master')
        assert.equal(await redis.wait(0, 10), 0)
        assert.equal(await redis.swapDb(0, 1), 'OK')
        assert.equal(await redis.flushDb('ASYNC'), 'OK')
        assert.equal(await redis.configResetStat(), 'OK')
        assert.match(await redis.sendCommand(['LOLWUT']), /\w+ ver\. \d/)
      })

      test('commands are described', async () => {
        assert.ok(await redis.commandCount() > 50)
        const [get] = await redis.commandInfo(['get'])
        assert.deepEqual([get.name, get.arity, get.firstKeyIndex, get.flags.has('readonly')], ['get', 2, 1, true])
        assert.deepEqual(await redis.commandGetKeys(['MSET', 'a', '1', 'b', '2']), ['a', 'b'])
        assert.ok((await redis.command()).length > 50)
      })

      test('CLIENT calls', async () => {
        const client = await open()
        assert.equal(await client.clientSetName('other'), 'OK')
        assert.equal(await client.clientGetName(), 'other')
        assert.equal(await client.clientNoEvict(true), 'OK')
        assert.equal(await client.clientPause(1), 'OK')
        assert.equal(await client.clientUnpause(), 'OK')
        const id = await client.clientId()
        assert.ok((await redis.clientList()).some(entry => entry.id === id && entry.name === 'other'))
        if (isAtLeast(await redis.info('server'), 7, 2)) assert.equal(await client.clientNoTouch(true), 'OK')
      })

      test('monitor', { skip: major === 4 }, async () => {
        const client = await open()
        const lines = []
        await client.monitor(line => lines.push(String(line)))
        await redis.set('watched', 'v')
        const seen = await until(() => lines.find(line => line.includes('watched')))
        assert.match(seen, /^\d+\.\d+ \[0 \S+:\d+\] "SET" "watched" "v"$/)
      })

      test('errors of wrong calls', async () => {
        await assert.rejects(redis.sendCommand(['get']), /ERR wrong number of arguments for 'get' command/)
        await assert.rejects(redis.sendCommand(['CLIENT', 'nosuch']), /ERR unknown subcommand 'nosuch'\. Try CLIENT HELP\./)
        await assert.rejects(redis.rename('nothing', 'other'), /ERR no such key/)
        await assert.rejects(redis.sendCommand(['HELLO', '9']), /NOPROTO unsupported protocol version/)
        assert.equal(await redis.ping(), 'PONG')
      })
    })
  })
}
