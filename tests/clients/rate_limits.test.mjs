// Rate limiters: express-rate-limit with rate-limit-redis on node-redis, and rate-limiter-flexible on ioredis.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, beforeEach, describe, test } from 'node:test'
import express from 'express'
import { rateLimit } from 'express-rate-limit'
import { Redis } from 'ioredis'
import { RedisStore } from 'rate-limit-redis'
import { BurstyRateLimiter, RateLimiterQueue, RateLimiterRedis } from 'rate-limiter-flexible'
import { createClient } from 'redis5'
import { host, port, until } from './server_under_test.mjs'

const ioredis = new Redis({ host, port })
ioredis.on('error', () => {})
const nodeRedis = createClient({ socket: { host, port } })
nodeRedis.on('error', () => {})

before(() => nodeRedis.connect(), { timeout: 10000 })
beforeEach(() => ioredis.flushall(), { timeout: 10000 })
after(() => {
  ioredis.disconnect()
  nodeRedis.destroy()
})

describe('rate-limit-redis with express-rate-limit', { timeout: 30000 }, () => {
  const servers = []
  after(() => servers.forEach(server => server.close()))

  const newStore = (options = {}) => new RedisStore({ sendCommand: (...args) => nodeRedis.sendCommand(args), ...options })

  /** The address of a web server that lets three requests pass. */
  async function serve (options = {}) {
    const app = express()
    app.use(rateLimit({ windowMs: 60000, limit: 3, standardHeaders: 'draft-7', legacyHeaders: false, ...options }))
    app.get('/:status', (request, response) => response.sendStatus(Number(request.params.status)))
    const server = app.listen(0, '127.0.0.1')
    servers.push(server)
    await once(server, 'listening')
    return `http://127.0.0.1:${server.address().port}`
  }

  const statusOf = async url => (await fetch(url)).status

  test('the limit holds for two web servers together', async () => {
    const addresses = await Promise.all([serve({ store: newStore() }), serve({ store: newStore() })])
    const statuses = []
    for (let n = 0; n < 6; n++) statuses.push(await statusOf(`${addresses[n % 2]}/200`))
    assert.deepEqual(statuses, [200, 200, 200, 429, 429, 429])
    assert.deepEqual(await ioredis.keys('*').then(keys => keys.length), 1)
  })

  test('headers tell what is left and when the window ends', async () => {
    const address = await serve({ store: newStore({ prefix: 'limit:' }) })
    const { headers } = await fetch(`${address}/200`)
    const [, limit, remaining, reset] = headers.get('ratelimit').match(/limit=(\d+), remaining=(\d+), reset=(\d+)/).map(Number)
    assert.deepEqual([limit, remaining], [3, 2])
    assert.ok(reset > 50 && reset <= 60)
    const [key] = await ioredis.keys('limit:*')
    assert.ok(await ioredis.pttl(key) > 50000)
  })

  test('concurrent requests are counted one by one', async () => {
    const address = await serve({ store: newStore(), limit: 10 })
    const statuses = await Promise.all(Array.from({ length: 30 }, () => statusOf(`${address}/200`)))
    assert.equal(statuses.filter(status => status === 200).length, 10)
  })

  test('skipped requests are taken back, and the key can be reset', async () => {
    const store = newStore()
    const address = await serve({ store, skipFailedRequests: true, keyGenerator: () => 'client' })
    for (let n = 0; n < 5; n++) assert.equal(await statusOf(`${address}/500`), 500)
    await until(async () => (await store.get('client')).totalHits === 0)
    for (let n = 0; n < 3; n++) assert.equal(await statusOf(`${address}/200`), 200)
    assert.equal(await statusOf(`${address}/200`), 429)
    await store.resetKey('client')
    assert.equal(await ioredis.dbsize(), 0)
    assert.equal(await statusOf(`${address}/200`), 200)
  })

  test('a window that is over starts anew', async () => {
    const address = await serve({ store: newStore(), windowMs: 200, limit: 1 })
    assert.equal(await statusOf(`${address}/200`), 200)
    await until(async () => await ioredis.dbsize() === 0)
    assert.equal(await statusOf(`${address}/200`), 200)
  })

  test('scripts that the server forgot are loaded again', async () => {
    const address = await serve({ store: newStore() })
    assert.equal(await statusOf(`${address}/200`), 200)
    await ioredis.script('FLUSH')
    assert.equal(await statusOf(`${address}/200`), 200)
    assert.equal(await statusOf(`${address}/200`), 200)
    assert.equal(await statusOf(`${address}/200`), 429)
  })
})

describe('rate-limiter-flexible', { timeout: 30000 }, () => {
  const limiter = (options = {}) => new RateLimiterRedis({ storeClient: ioredis, points: 5, duration: 60, ...options })

  for (const [name, options] of [['ioredis', {}], ['node-redis', { storeClient: nodeRedis, useRedisPackage: true }]]) {
    test(`points are consumed over ${name}`, async () => {
      const limit = limiter(options)
      assert.equal((await limit.consume('user', 2)).remainingPoints, 3)
      const { consumedPoints, msBeforeNext } = await limit.consume('user', 3)
      assert.equal(consumedPoints, 5)
      assert.ok(msBeforeNext > 50000 && msBeforeNext <= 60000)
      await assert.rejects(limit.consume('user'), answer => answer.remainingPoints === 0 && answer.consumedPoints === 6)
      assert.equal((await limit.consume('other')).remainingPoints, 4)
    })

    test(`penalty, reward, get, set and delete over ${name}`, async () => {
      const limit = limiter(options)
      assert.equal((await limit.penalty('user', 4)).consumedPoints, 4)
      assert.equal((await limit.reward('user', 3)).consumedPoints, 1)
      assert.equal((await limit.get('user')).consumedPoints, 1)
      await limit.set('user', 5, 100)
      await assert.rejects(limit.consume('user'))
      assert.equal(await limit.delete('user'), true)
      assert.equal(await limit.get('user'), null)
    })

    test(`who goes too far is blocked over ${name}`, async () => {
      const limit = limiter({ ...options, blockDuration: 500 })
      await limit.consume('user', 5)
      await assert.rejects(limit.consume('user'), answer => answer.msBeforeNext > 400000)
      await limit.block('other', 1000)
      await assert.rejects(limit.consume('other'), answer => answer.msBeforeNext > 900000)
    })
  }

  test('concurrent consumers of two limiters get exactly the points', async () => {
    const limits = [limiter({ points: 20 }), limiter({ points: 20, storeClient: ioredis.duplicate() })]
    const outcomes = await Promise.allSettled(Array.from({ length: 60 }, (_, n) => limits[n % 2].consume('user')))
    limits[1].client.disconnect()
    assert.equal(outcomes.filter(outcome => outcome.status === 'fulfilled').length, 20)
  })

  test('points come back when the duration is over', async () => {
    const limit = limiter({ points: 1, duration: 1 })
    await limit.consume('user')
    await assert.rejects(limit.consume('user'))
    await until(async () => await ioredis.dbsize() === 0)
    assert.equal((await limit.consume('user')).remainingPoints, 0)
  })

  test('bursts beside the ordinary points, and a queue', async () => {
    const bursty = new BurstyRateLimiter(limiter({ points: 1, keyPrefix: 'a' }), limiter({ points: 2, keyPrefix: 'burst' }))
    for (let n = 0; n < 3; n++) await bursty.consume('user')
    await assert.rejects(bursty.consume('user'))
    const queue = new RateLimiterQueue(limiter({ points: 2, duration: 1, keyPrefix: 'queue' }))
    assert.deepEqual(await Promise.all([queue.removeTokens(1, 'user'), queue.removeTokens(1, 'user')]), [1, 0])
  })
})
