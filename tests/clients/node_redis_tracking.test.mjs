// The client-side cache of node-redis 5 and 6, which lives on CLIENT TRACKING in RESP3. The package is named in LARDER_CLIENT.

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { host, packageName, port, until } from './server_under_test.mjs'

const library = await import(packageName)

describe('client-side cache', { timeout: 30000 }, () => {
  const opened = []
  let writer

  async function open (options = {}) {
    const client = library.createClient({ socket: { host, port, reconnectStrategy: 5 }, RESP: 3, ...options })
    client.on('error', () => {})
    opened.push(client)
    return await client.connect()
  }

  /** A client with a cache of its own, and a way to see whether it was asked. */
  async function caching (options = {}) {
    const cache = new library.BasicClientSideCache({ maxEntries: 100, recordStats: true, ...options })
    return { client: await open({ clientSideCache: cache }), cache }
  }

  const gets = async () => Number((await writer.info('commandstats')).match(/cmdstat_get:calls=(\d+)/)?.[1] ?? 0)

  before(async () => { writer = await open() }, { timeout: 10000 })
  beforeEach(async () => {
    await writer.flushAll()
    await writer.configResetStat()
  }, { timeout: 10000 })
  after(() => opened.filter(client => client.isOpen).forEach(client => client.destroy()))

  test('a second read does not ask the server', async () => {
    const { client, cache } = await caching()
    await writer.set('k', 'v')
    assert.equal(await client.get('k'), 'v')
    assert.equal(await client.get('k'), 'v')
    assert.equal(await gets(), 1)
    assert.equal(cache.stats().hitCount, 1)
  })

  test('a write of somebody else drops the entry', async () => {
    const { client } = await caching()
    await writer.mSet({ k: 'old', other: 'kept' })
    assert.deepEqual([await client.get('k'), await client.get('other')], ['old', 'kept'])
    await writer.set('k', 'new')
    await until(async () => await client.get('k') === 'new')
    assert.equal(await client.get('other'), 'kept')
    assert.equal(await gets(), 3)
  })

  test('an entry goes when its key is deleted, expires or is evicted with all others', async () => {
    const { client } = await caching()
    await writer.mSet({ deleted: 'v', flushed: 'v' })
    await writer.set('expired', 'v', { PX: 500 })
    assert.deepEqual(await Promise.all(['deleted', 'expired', 'flushed'].map(key => client.get(key))), ['v', 'v', 'v'])
    await writer.del('deleted')
    await until(async () => await client.get('deleted') === null)
    await until(async () => await client.get('expired') === null)
    await writer.flushAll()
    await until(async () => await client.get('flushed') === null)
  })

  test('collections are cached and dropped as well', async () => {
    const { client } = await caching()
    await writer.hSet('h', { f: '1' })
    await writer.rPush('l', ['a'])
    assert.equal(await client.hGet('h', 'f'), '1')
    assert.deepEqual(await client.lRange('l', 0, -1), ['a'])
    await writer.hIncrBy('h', 'f', 1)
    await writer.multi().rPush('l', 'b').exec()
    await until(async () => await client.hGet('h', 'f') === '2')
    await until(async () => (await client.lRange('l', 0, -1)).length === 2)
    await writer.eval("return redis.call('DEL', KEYS[1])", { keys: ['h'] })
    await until(async () => await client.hGet('h', 'f') === null)
  })

  test('two caching clients see the writes of each other', async () => {
    const [a, b] = await Promise.all([caching(), caching()])
    for (let n = 0; n < 50; n++) {
      const [writes, reads] = n % 2 ? [a.client, b.client] : [b.client, a.client]
      await writes.set('shared', String(n))
      await until(async () => await reads.get('shared') === String(n))
    }
  })

  test('tracking information tells the mode', async () => {
    const { client } = await caching()
    assert.deepEqual(await client.sendCommand(['CLIENT', 'GETREDIR']), 0)
    const { flags, redirect, prefixes } = await client.clientTrackingInfo()
    assert.deepEqual([[...flags], redirect, [...prefixes]], [['on'], 0, []])
    assert.equal(await writer.sendCommand(['CLIENT', 'GETREDIR']), -1)
  })

  test('invalidations of a broadcast prefix', async () => {
    const cache = new library.BasicClientSideCache()
    const client = await open({ clientSideCache: cache })
    const got = []
    cache.on('invalidate', key => got.push(String(key)))
    await client.clientTracking(false)
    assert.equal(await client.clientTracking(true, { BCAST: true, PREFIX: ['user:', 'item:'] }), 'OK')
    await writer.mSet({ 'user:1': 'a', 'nothing:1': 'b', 'item:1': 'c' })
    await until(() => got.length === 2)
    assert.deepEqual(got.sort(), ['item:1', 'user:1'])
  })
})
