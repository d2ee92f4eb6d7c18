// ioredis 5 and 6: the package is named in LARDER_CLIENT.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, beforeEach, describe, test } from 'node:test'
import { fields, host, isAtLeast, packageName, port, until } from './server_under_test.mjs'

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

describe('connecting', { timeout: 30000 }, () => {
  test('the ready check by INFO passes and queued commands run', async () => {
    const client = open({ lazyConnect: true })
    const answer = client.set('queued', 'v')
    const [info] = await once(client, 'ready').then(() => Promise.all([client.info('server'), answer]))
    assert.match(info, /^# Server\r\nredis_version:\d+\.\d+\.\d+\r\n/)
    assert.equal(client.status, 'ready')
  })

  test('the name and the library are shown by CLIENT LIST', async () => {
    const client = open({ connectionName: 'suite' })
    const id = await client.client('ID')
    const mine = (await redis.client('LIST')).trim().split('\n').map(fields).find(entry => entry.id === String(id))
    assert.equal(mine.name, 'suite')
    if (isAtLeast(await redis.info('server'), 7, 2)) assert.equal(mine['lib-name'], 'ioredis')
  })

  test('the database of the options is selected', async () => {
    const client = open({ db: 5 })
    await client.set('k', 'five')
    assert.equal(await redis.get('k'), null)
    await client.select(0)
    assert.equal(await client.get('k'), null)
  })

  test('connects again after CLIENT KILL, in its database and with its name', async () => {
    const client = open({ db: 3, connectionName: 'killed', retryStrategy: () => 5 })
    await client.set('k', 'v')
    const id = await client.client('ID')
    const again = once(client, 'ready')
    assert.equal(await redis.client('KILL', 'ID', id), 1)
    await again
    assert.equal(await client.get('k'), 'v')
    assert.notEqual(await client.client('ID'), id)
    assert.equal(await client.client('GETNAME'), 'killed')
  })

  test('a password is needed once it is set', async () => {
    await redis.config('SET', 'requirepass', 'secret')
    try {
      const stranger = open({ retryStrategy: null })
      await assert.rejects(stranger.get('k'),
        /NOAUTH (Authentication required\.|HELLO must be called with the client already authenticated)/)
      const wrong = open({ password: 'wrong', retryStrategy: null })
      const [error] = await once(wrong, 'error')
      assert.match(error.message, /WRONGPASS invalid username-password pair or user is disabled\./)
      assert.equal(await open({ password: 'secret' }).ping(), 'PONG')
      assert.equal(await open({ username: 'default', password: 'secret' }).acl('WHOAMI'), 'default')
    } finally {
      await redis.config('SET', 'requirepass', '')
    }
  })

  test('a password that is not needed only warns', async () => {
    const client = open({ password: 'needless' })
    assert.equal(await client.ping(), 'PONG')
  })

  test('quit', async () => {
    const client = open()
    const closed = once(client, 'end')
    assert.equal(await client.quit(), 'OK')
    await closed
  })

  test('duplicate and a second connection see the same data', async () => {
    const client = redis.duplicate()
    opened.push(client)
    await client.set('k', 'v')
    assert.equal(await redis.get('k'), 'v')
  })
})

describe('strings and keys', { timeout: 30000 }, () => {
  test('set and its options', async () => {
    assert.equal(await redis.set('k', 'v', 'EX', 100, 'NX'), 'OK')
    assert.equal(await redis.set('k', 'w', 'NX'), null)
    assert.equal(await redis.set('k', 'w', 'XX', 'GET'), 'v')
    assert.equal(await redis.ttl('k'), -1)
    assert.equal(await redis.set('k', 'x', 'PX', 50000), 'OK')
    const left = await redis.pttl('k')
    assert.ok(left > 40000 && left <= 50000)
    assert.equal(await redis.get('nothing'), null)
    assert.deepEqual(await redis.mget('k', 'nothing'), ['x', null])
  })

  test('numbers, parts and bits', async () => {
    assert.equal(await redis.mset({ n: 5, word: 'Hello' }), 'OK')
    assert.deepEqual(await Promise.all([redis.incr('n'), redis.decrby('n', 10), redis.incrbyfloat('n', 0.1)]), [6, -4, '-3.9'])
    assert.equal(await redis.append('word', ' World'), 11)
    assert.equal(await redis.getrange('word', -5, -1), 'World')
    assert.equal(await redis.setbit('bits', 9, 1), 0)
    assert.equal(await redis.bitcount('bits'), 1)
    assert.equal(await redis.lcs('word', 'bits', 'LEN'), 0)
  })

  test('lower-case and mixed-case names', async () => {
    assert.equal(await redis.call('sEt', 'k', 'v', 'eX', '100', 'nx'), 'OK')
    assert.deepEqual(await redis.call('client', 'getname'), null)
    const config = await redis.call('config', 'get', 'port')
    assert.deepEqual(Array.isArray(config) ? config : Object.entries(config).flat(), ['port', String(port)])
  })

  test('binary keys and values', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n))
    await redis.set(bytes, bytes)
    assert.deepEqual(await redis.getBuffer(bytes), bytes)
    assert.deepEqual(await redis.echoBuffer?.(bytes) ?? await redis.callBuffer('ECHO', bytes), bytes)
    const large = Buffer.alloc(10 * 1024 * 1024, bytes)
    await redis.set('large', large)
    assert.ok(large.equals(await redis.getBuffer('large')))
  })

  test('expiry', async () => {
    await redis.mset('a', 1, 'b', 1)
    assert.equal(await redis.pexpire('a', 20), 1)
    assert.equal(await redis.expire('b', 100, 'NX'), 1)
    assert.equal(await redis.expire('b', 50, 'NX'), 0)
    await until(async () => await redis.exists('a') === 0)
    assert.equal(await redis.persist('b'), 1)
    assert.deepEqual([await redis.ttl('b'), await redis.ttl('a')], [-1, -2])
  })

  test('rename, copy, type, object', async () => {
    await redis.set('a', '12')
    assert.equal(await redis.rename('a', 'b'), 'OK')
    assert.equal(await redis.copy('b', 'c', 'DB', 2), 1)
    assert.equal(await redis.type('b'), 'string')
    assert.equal(await redis.object('ENCODING', 'b'), 'int')
    assert.equal(await redis.unlink('b', 'c'), 1)
    assert.equal(await redis.dbsize(), 0)
  })

  test('keyPrefix', async () => {
    const client = open({ keyPrefix: 'app:' })
    await client.mset('a', '1', 'b', '2')
    assert.deepEqual(await client.mget('a', 'b'), ['1', '2'])
    assert.deepEqual((await redis.keys('*')).sort(), ['app:a', 'app:b'])
    assert.equal(await client.del('a', 'b'), 2)
  })

  test('scanStream', async () => {
    await redis.mset(Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`k:${n}`, n])))
    await redis.set('other', 1)
    const found = new Set()
    for await (const keys of redis.scanStream({ match: 'k:*', count: 100, type: 'string' })) {
      keys.forEach(key => found.add(key))
    }
    assert.equal(found.size, 3000)
  })
})

describe('pipelines', { timeout: 30000 }, () => {
  test('replies come in order, errors as elements', async () => {
    const replies = await redis.pipeline().set('k', 'abc').get('k').incr('k').call('nosuch').get('nothing').exec()
    assert.deepEqual(replies.map(([error, value]) => error?.message ?? value), ['OK', 'abc',
      'ERR value is not an integer or out of range', "ERR unknown command 'nosuch', with args beginning with: ", null])
  })

  test('ten thousand commands', async () => {
    const pipeline = redis.pipeline()
    for (let n = 0; n < 10000; n++) pipeline.incr('n')
    const replies = await pipeline.exec()
    assert.deepEqual(replies.map(([, value]) => value), Array.from({ length: 10000 }, (_, n) => n + 1))
  })

  test('automatic pipelining', async () => {
    const client = open({ enableAutoPipelining: true })
    const numbers = Array.from({ length: 1000 }, (_, n) => n)
    const answers = await Promise.all(numbers.flatMap(n => [client.set(`k${n}`, n), client.get(`k${n}`)]))
    assert.deepEqual(answers, numbers.flatMap(n => ['OK', String(n)]))
  })

  test('commands sent before the connection is there', async () => {
    const client = open()
    const answers = await Promise.all(Array.from({ length: 100 }, () => client.incr('n')))
    assert.equal(answers.at(-1), 100)
  })
})

describe('the server', { timeout: 30000 }, () => {
  test('errors carry the command', async () => {
    await redis.set('word', 'abc')
    await assert.rejects(redis.incr('word'), error => {
      assert.equal(error.name, 'ReplyError')
      assert.equal(error.message, 'ERR value is not an integer or out of range')
      assert.deepEqual(error.command, { name: 'incr', args: ['word'] })
      return true
    })
    await assert.rejects(redis.call('GET'), /^ReplyError: ERR wrong number of arguments for 'get' command$/)
    await assert.rejects(redis.client('nosuch'), /ERR unknown subcommand 'nosuch'\. Try CLIENT HELP\./)
  })

  test('config, time, memory, slow log, roles', async () => {
    const before = await redis.config('GET', 'slowlog-max-len')
    assert.ok(JSON.stringify(before).includes('slowlog-max-len'))
    assert.equal(await redis.config('SET', 'slowlog-max-len', 200), 'OK')
    assert.ok(JSON.stringify(await redis.config('GET', 'slowlog-max-len')).includes('200'))
    assert.equal((await redis.time()).length, 2)
    await redis.set('k', 'x'.repeat(1000))
    assert.ok(await redis.memory('USAGE', 'k') > 1000)
    assert.equal(await redis.slowlog('RESET'), 'OK')
    assert.equal((await redis.role())[0], 'master')
    assert.equal(await redis.wait(0, 10), 0)
    assert.ok(await redis.command('COUNT') > 50)
    assert.equal((await redis.command('INFO', 'get'))[0][0], 'get')
    assert.equal(await redis.swapdb(0, 1), 'OK')
    assert.equal(await redis.flushdb('ASYNC'), 'OK')
  })

  test('monitor', async () => {
    const monitor = await redis.monitor()
    opened.push(monitor)
    const seen = once(monitor, 'monitor')
    await redis.set('watched', 'v')
    const [time, args, source, database] = await seen
    assert.match(String(time), /^\d+\.\d+$/)
    assert.deepEqual(args, ['set', 'watched', 'v'])
    assert.match(source, /:\d+$/)
    assert.equal(database, '0')
  })
})
