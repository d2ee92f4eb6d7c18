// redlock 4 on ioredis: locks with a lifetime, taken and given back by scripts.

import assert from 'node:assert/strict'
import { after, beforeEach, describe, test } from 'node:test'
import { Redis } from 'ioredis'
import Redlock from 'redlock'
import { host, port, until } from './server_under_test.mjs'

const clients = Array.from({ length: 2 }, () => new Redis({ host, port }))
clients.forEach(client => client.on('error', () => {}))
const [redis] = clients
const impatient = new Redlock([redis], { retryCount: 0 })
const patient = new Redlock([clients[1]], { retryCount: 1000, retryDelay: 5, retryJitter: 5 })

beforeEach(() => redis.flushall(), { timeout: 10000 })
after(() => clients.forEach(client => client.disconnect()))

/** How many scripts the server was asked to run. */
async function scriptCalls () {
  const calls = (await redis.info('commandstats')).matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)
  return [...calls].reduce((sum, [, count]) => sum + Number(count), 0)
}

describe('redlock', { timeout: 30000 }, () => {
  test('a lock keeps others out until it is given back', async () => {
    const lock = await impatient.lock('resource', 60000)
    assert.ok(await redis.pttl('resource') > 50000)
    await assert.rejects(impatient.lock('resource', 60000), Redlock.LockError)
    await lock.unlock()
    assert.equal(await redis.exists('resource'), 0)
    await (await impatient.lock('resource', 60000)).unlock()
  })

  test('somebody else\'s lock is neither given back nor extended', async () => {
    const lock = await impatient.lock('resource', 60000)
    await redis.set('resource', 'of somebody else')
    await assert.rejects(lock.extend(60000), Redlock.LockError)
    await assert.rejects(lock.unlock(), Redlock.LockError)
    assert.equal(await redis.get('resource'), 'of somebody else')
  })

  test('a lock is extended', async () => {
    const lock = await impatient.lock('resource', 10000)
    await lock.extend(60000)
    assert.ok(await redis.pttl('resource') > 50000)
    await lock.unlock()
  })

  test('several resources are locked together or not at all', async () => {
    const both = await impatient.lock(['a', 'b'], 60000)
    await assert.rejects(impatient.lock(['b', 'c'], 60000), Redlock.LockError)
    assert.equal(await redis.exists('c'), 0)
    await both.unlock()
    assert.equal(await redis.dbsize(), 0)
  })

  test('who waits gets the lock when it is free, and when it expired', async () => {
    const lock = await impatient.lock('resource', 60000)
    const waiting = patient.lock('resource', 60000)
    const asked = await scriptCalls()
    await until(async () => await scriptCalls() > asked + 1) // so it was refused at least once
    await lock.unlock()
    await (await waiting).unlock()
    await impatient.lock('resource', 200)
    await (await patient.lock('resource', 60000)).unlock()
  })

  test('what is done under the lock is never done twice at once', async () => {
    const increment = async () => {
      const lock = await patient.lock('resource', 60000)
      await redis.set('n', Number(await redis.get('n')) + 1)
      await lock.unlock()
    }
    await Promise.all(Array.from({ length: 15 }, increment))
    assert.equal(await redis.get('n'), '15')
  })

  test('it goes on after SCRIPT FLUSH', async () => {
    await (await impatient.lock('resource', 60000)).unlock()
    await redis.script('FLUSH')
    await (await impatient.lock('resource', 60000)).unlock()
    assert.equal(await redis.exists('resource'), 0)
  })
})
