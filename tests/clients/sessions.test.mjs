// Web sessions: express-session with connect-redis on node-redis, over HTTP.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, beforeEach, describe, test } from 'node:test'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import { createClient } from 'redis5'
import { host, port, until } from './server_under_test.mjs'

const redis = createClient({ socket: { host, port }, RESP: 3 })
redis.on('error', () => {})
const servers = []

before(() => redis.connect(), { timeout: 10000 })
beforeEach(() => redis.flushAll(), { timeout: 10000 })
after(() => {
  servers.forEach(server => server.close())
  redis.destroy()
})

/** A web server that counts visits in the session; its address. */
async function serve (store, cookie = { maxAge: 60000 }) {
  const app = express()
  app.use(session({ store, secret: 'not secret', resave: false, saveUninitialized: false, cookie }))
  app.get('/visit', (request, response) => {
    request.session.visits = (request.session.visits ?? 0) + 1
    request.session.words = 'ключ 🥫'
    response.json(request.session)
  })
  app.get('/look', (request, response) => response.json(request.session))
  app.get('/renew', (request, response) => request.session.regenerate(() => response.json({ id: request.sessionID })))
  app.get('/leave', (request, response) => request.session.destroy(error => response.json({ error: error ?? null })))
  const server = app.listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return `http://127.0.0.1:${server.address().port}`
}

/** A browser: keeps the cookie that it was given. */
function browser () {
  let cookie = ''
  return async url => {
    const response = await fetch(url, { headers: { cookie } })
    cookie = response.headers.get('set-cookie')?.split(';')[0] ?? cookie
    return await response.json()
  }
}

describe('express-session with connect-redis', { timeout: 30000 }, () => {
  test('a session is kept between requests and between web servers', async () => {
    const addresses = await Promise.all([serve(new RedisStore({ client: redis })), serve(new RedisStore({ client: redis }))])
    const [visitor, stranger] = [browser(), browser()]
    for (let n = 1; n <= 4; n++) assert.equal((await visitor(`${addresses[n % 2]}/visit`)).visits, n)
    assert.equal((await visitor(`${addresses[0]}/look`)).words, 'ключ 🥫')
    assert.equal((await stranger(`${addresses[0]}/visit`)).visits, 1)
    assert.equal((await redis.keys('sess:*')).length, 2)
  })

  test('a session lives as long as its cookie, and a visit renews it', async () => {
    const address = await serve(new RedisStore({ client: redis, prefix: 'web:' }))
    const visitor = browser()
    await visitor(`${address}/visit`)
    const [key] = await redis.keys('web:*')
    assert.ok(await redis.pTTL(key) > 50000)
    await redis.expire(key, 10)
    await visitor(`${address}/look`)
    await until(async () => await redis.ttl(key) > 50)
  })

  test('a session that expired is empty', async () => {
    const address = await serve(new RedisStore({ client: redis, ttl: 1 }), {})
    const visitor = browser()
    await visitor(`${address}/visit`)
    await until(async () => await redis.dbSize() === 0)
    assert.equal((await visitor(`${address}/look`)).visits, undefined)
  })

  test('leaving deletes it, regenerating gives a new name', async () => {
    const address = await serve(new RedisStore({ client: redis }))
    const visitor = browser()
    await visitor(`${address}/visit`)
    const [before] = await redis.keys('*')
    const { id } = await visitor(`${address}/renew`)
    assert.ok(!before.endsWith(id))
    assert.equal(await redis.exists(before), 0)
    await visitor(`${address}/visit`)
    assert.deepEqual(await visitor(`${address}/leave`), { error: null })
    assert.equal(await redis.dbSize(), 0)
  })

  test('all sessions, their number, and their end', async () => {
    const store = new RedisStore({ client: redis, scanCount: 10 })
    for (let n = 0; n < 150; n++) await store.set(`id${n}`, { cookie: {}, n })
    await redis.set('other', 'kept')
    assert.equal(await store.length(), 150)
    assert.deepEqual((await store.ids()).sort(), Array.from({ length: 150 }, (_, n) => `id${n}`).sort())
    assert.deepEqual((await store.all()).map(({ n }) => n).sort((a, b) => a - b), Array.from({ length: 150 }, (_, n) => n))
    await store.clear()
    assert.equal(await store.length(), 0)
    assert.equal(await redis.get('other'), 'kept')
  })
})
