// Caches with a server behind them: cache-manager with @keyv/redis, and bentocache with tags, grace and a bus.

import assert from 'node:assert/strict'
import { after, beforeEach, describe, test } from 'node:test'
import KeyvRedis, { createKeyv } from '@keyv/redis'
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { redisBusDriver, redisDriver } from 'bentocache/drivers/redis'
import { createCache } from 'cache-manager'
import { Redis } from 'ioredis'
import { Keyv } from 'keyv'
import { host, port, until } from './server_under_test.mjs'

const redis = new Redis({ host, port })
redis.on('error', () => {})
const url = `redis://${host}:${port}`

beforeEach(() => redis.flushall(), { timeout: 10000 })
after(() => redis.disconnect())

describe('cache-manager with @keyv/redis', { timeout: 30000 }, () => {
  const caches = []
  after(() => Promise.all(caches.map(cache => cache.disconnect())))

  function open (...stores) {
    const cache = createCache({ stores })
    caches.push(cache)
    return cache
  }

  test('values of all kinds, with and without a lifetime', async () => {
    const cache = open(createKeyv(url, { namespace: 'app' }))
    const value = { text: 'ключ 🥫', list: [1, 2.5, null], nested: { yes: true } }
    await cache.set('k', value, 60000)
    await cache.set('for ever', 1)
    assert.deepEqual(await cache.get('k'), value)
    assert.equal(await cache.get('nothing'), undefined)
    assert.ok(await redis.pttl('app::k') > 50000)
    assert.equal(await redis.ttl('app::for ever'), -1)
    assert.ok(Math.abs(await cache.ttl('k') - Date.now() - 60000) < 10000)
    assert.equal(await cache.del('k'), true)
    assert.equal(await redis.exists('app::k'), 0)
  })

  test('many at once', async () => {
    const cache = open(createKeyv(url))
    await cache.mset(Array.from({ length: 200 }, (_, n) => ({ key: `k${n}`, value: n, ttl: 60000 })))
    assert.deepEqual(await cache.mget(['k0', 'k199', 'nothing']), [0, 199, undefined])
    assert.equal(await cache.mdel(Array.from({ length: 150 }, (_, n) => `k${n}`)), true)
    assert.equal(await redis.dbsize(), 50)
  })

  test('wrap calls the source once for all who wait', async () => {
    const cache = open(createKeyv(url))
    let calls = 0
    const read = () => cache.wrap('slow', async () => ({ answer: ++calls }), 60000)
    assert.deepEqual(await Promise.all(Array.from({ length: 20 }, read)), Array(20).fill({ answer: 1 }))
    assert.deepEqual(await read(), { answer: 1 })
    await cache.del('slow')
    assert.deepEqual(await read(), { answer: 2 })
  })

  test('an expired value is gone', async () => {
    const cache = open(createKeyv(url))
    await cache.set('k', 'v', 50)
    await until(async () => await redis.dbsize() === 0)
    assert.equal(await cache.get('k'), undefined)
  })

  test('clear empties its own namespace only', async () => {
    const cache = open(createKeyv(url, { namespace: 'mine', clearBatchSize: 50 }))
    await cache.mset(Array.from({ length: 300 }, (_, n) => ({ key: `k${n}`, value: n })))
    await redis.set('theirs::k', 'v')
    await cache.clear()
    assert.deepEqual(await redis.keys('*'), ['theirs::k'])
  })

  test('memory before the server answers for it', async () => {
    const shared = () => new Keyv({ store: new KeyvRedis(url), namespace: 'shared' })
    const [a, b] = [open(new Keyv(), shared()), open(new Keyv(), shared())]
    await a.set('k', 'v', 60000)
    assert.equal(await b.get('k'), 'v')
    await redis.flushall()
    assert.equal(await a.get('k'), 'v')
    assert.equal(await b.get('k'), undefined)
  })

  test('the iterator finds every key', async () => {
    const keyv = createKeyv(url, { namespace: 'mine' })
    caches.push(open(keyv))
    await Promise.all(Array.from({ length: 300 }, (_, n) => keyv.set(`k${n}`, n)))
    const found = new Map()
    for await (const [key, value] of keyv.iterator()) found.set(key, value)
    assert.equal(found.size, 300)
  })
})

describe('bentocache', { timeout: 30000 }, () => {
  const caches = []
  after(() => Promise.all(caches.map(cache => cache.disconnectAll())))

  const connection = { host, port }
  const stores = {
    remote: () => bentostore().useL2Layer(redisDriver({ connection })),
    layered: () => bentostore().useL1Layer(memoryDriver({ maxItems: 1000 })).useL2Layer(redisDriver({ connection }))
      .useBus(redisBusDriver({ connection }))
  }

  function open (kind) {
    const cache = new BentoCache({ default: kind, stores: { [kind]: stores[kind]() } })
    caches.push(cache)
    return cache
  }

  test('values, lifetimes, pull and many deletions', async () => {
    const cache = open('remote')
    await cache.set({ key: 'k', value: { a: [1, 2] }, ttl: '60s' })
    assert.deepEqual(await cache.get({ key: 'k' }), { a: [1, 2] })
    const [key] = await redis.keys('*:k')
    assert.ok(await redis.pttl(key) > 50000)
    assert.deepEqual(await cache.pull('k'), { a: [1, 2] })
    assert.equal(await cache.has({ key: 'k' }), false)
    for (const name of ['a', 'b', 'c']) await cache.setForever({ key: name, value: name })
    await cache.deleteMany({ keys: ['a', 'b'] })
    assert.deepEqual([await cache.missing({ key: 'a' }), await cache.get({ key: 'c' })], [true, 'c'])
  })

  test('only one of many readers computes a missing value', async () => {
    for (const kind of ['remote', 'layered']) {
      const cache = open(kind)
      let calls = 0
      const read = () => cache.getOrSet({ key: `stampede-${kind}`, ttl: '60s', factory: async () => ++calls })
      assert.deepEqual(await Promise.all(Array.from({ length: 50 }, read)), Array(50).fill(1))
      assert.equal(await open(kind).get({ key: `stampede-${kind}` }), 1)
    }
  })

  test('a tag takes all its entries away, also for other processes', async () => {
    const [a, b] = [open('remote'), open('remote')]
    await a.set({ key: 'one', value: 1, tags: ['odd', 'small'] })
    await a.set({ key: 'two', value: 2, tags: ['even', 'small'] })
    await a.set({ key: 'hundred', value: 100, tags: ['even'] })
    await b.deleteByTag({ tags: ['odd', 'small'] })
    assert.deepEqual(await Promise.all(['one', 'two', 'hundred'].map(key => a.get({ key }))), [undefined, undefined, 100])
    await a.set({ key: 'one', value: 'again', tags: ['odd'] })
    // An entry of the millisecond in which its tag was deleted still belongs to it, so this one may have to be written twice.
    await until(async () => await b.get({ key: 'one' }) === 'again' ||
      a.set({ key: 'one', value: 'again', tags: ['odd'] }).then(() => false))
  })

  test('a stale value serves while its source fails', async () => {
    const cache = open('remote')
    await cache.getOrSet({ key: 'k', ttl: '10ms', grace: '1h', factory: () => 'old' })
    await until(async () => await cache.get({ key: 'k', grace: false }) === undefined)
    const failing = () => { throw new Error('the source is down') }
    assert.equal(await cache.getOrSet({ key: 'k', ttl: '10ms', grace: '1h', factory: failing }), 'old')
    await assert.rejects(cache.getOrSet({ key: 'other', factory: failing }), /the source is down|Factory has thrown/)
  })

  test('the bus tells other processes what changed', async () => {
    const [a, b] = [open('layered'), open('layered')]
    await a.set({ key: 'k', value: 'first' })
    assert.equal(await b.get({ key: 'k' }), 'first')
    await until(async () => Math.max(...(await redis.pubsub('NUMSUB', ...await redis.pubsub('CHANNELS')))
      .filter(Number.isInteger)) >= 2)
    await a.set({ key: 'k', value: 'second' })
    await until(async () => await b.get({ key: 'k' }) === 'second')
    await b.delete({ key: 'k' })
    await until(async () => await a.get({ key: 'k' }) === undefined)
  })

  test('a namespace is cleared without its neighbours', async () => {
    const cache = open('remote')
    const users = cache.namespace('users')
    for (let n = 0; n < 250; n++) await users.set({ key: `u${n}`, value: n })
    await cache.set({ key: 'kept', value: 1 })
    assert.equal(await users.get({ key: 'u249' }), 249)
    await users.clear()
    assert.deepEqual([await users.get({ key: 'u249' }), await cache.get({ key: 'kept' })], [undefined, 1])
    assert.ok(await redis.dbsize() < 10)
  })
})
