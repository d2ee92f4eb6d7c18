// socket.io on two servers that know of each other only through @socket.io/redis-adapter: over ordinary channels and over
// sharded ones, with ioredis and with node-redis.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter'
import { Redis } from 'ioredis'
import { createClient } from 'redis5'
import { Server } from 'socket.io'
import { io as connectTo } from 'socket.io-client'
import { host, port, until } from './server_under_test.mjs'

const control = new Redis({ host, port })
control.on('error', () => {})
after(() => control.disconnect())

async function openNodeRedis () {
  const client = createClient({ socket: { host, port } })
  client.on('error', () => {})
  await client.connect()
  return { client, close: () => client.close() }
}

async function openIoredis () {
  const client = new Redis({ host, port })
  client.on('error', () => {})
  await once(client, 'ready')
  return { client, close: () => client.quit() }
}

/** How a message listener hears of the next event, for which it was asked before it could happen. */
const next = (socket, event) => new Promise(resolve => socket.once(event, (...values) => resolve(values)))

const kinds = {
  'channels with ioredis': [createAdapter, openIoredis],
  'channels with node-redis': [createAdapter, openNodeRedis],
  'sharded channels with ioredis': [createShardedAdapter, openIoredis],
  'sharded channels with node-redis': [createShardedAdapter, openNodeRedis]
}

for (const [name, [makeAdapter, openClient]] of Object.entries(kinds)) {
  describe(name, { timeout: 30000 }, () => {
    const closers = []
    let servers, addresses, sockets, clients

    async function startServer () {
      const [publisher, subscriber] = [await openClient(), await openClient()]
      const http = createServer()
      const server = new Server(http, { adapter: makeAdapter(publisher.client, subscriber.client), transports: ['websocket'] })
      http.listen(0, '127.0.0.1')
      await once(http, 'listening')
      closers.push(() => publisher.close(), () => subscriber.close())
      return server
    }

    /** A browser at the server of that number, and the socket of it there. */
    async function join (number) {
      const accepted = next(servers[number], 'connection')
      const client = connectTo(addresses[number], { transports: ['websocket'], forceNew: true })
      clients.push(client)
      const [socket] = await accepted
      sockets.push(socket)
      if (!client.connected) await next(client, 'connect')
    }

    before(async () => {
      await control.flushall()
      servers = [await startServer(), await startServer()]
      addresses = servers.map(server => `http://127.0.0.1:${server.httpServer.address().port}`)
      await until(async () => (await servers[0].sockets.adapter.serverCount()) === 2)
    }, { timeout: 10000 })

    beforeEach(async () => {
      [sockets, clients] = [[], []]
      await join(0)
      await join(1)
    }, { timeout: 10000 })

    afterEach(async () => {
      clients.forEach(client => client.disconnect())
      await until(async () => (await servers[0].fetchSockets()).length === 0)
    }, { timeout: 10000 })

    after(async () => {
      await Promise.all(servers.map(server => server.close()))
      await until(async () => (await control.pubsub('CHANNELS')).length + (await control.pubsub('SHARDCHANNELS')).length === 0)
      await Promise.all(closers.map(close => close()))
    }, { timeout: 10000 })

    test('everybody hears what one server says, bytes too', async () => {
      const heard = clients.map(client => next(client, 'news'))
      servers[0].emit('news', 'ключ', { bytes: Buffer.from([0, 13, 10, 255]) })
      for (const [text, { bytes }] of await Promise.all(heard)) {
        assert.equal(text, 'ключ')
        assert.deepEqual([...new Uint8Array(bytes)], [0, 13, 10, 255])
      }
    })

    test('only those in the room hear what is said there', async () => {
      await join(1)
      sockets[1].join('room')
      sockets[2].join('room')
      const heard = []
      clients.forEach((client, n) => client.on('said', word => heard.push([n, word])))
      // A second room ends the wait: what was sent to the first one by the same server came before it.
      sockets.forEach(socket => socket.join('all'))
      await until(async () => (await servers[0].in('room').fetchSockets()).length === 2 &&
        (await servers[0].in('all').fetchSockets()).length === 3)
      servers[0].to('room').except(sockets[2].id).emit('said', 'hello')
      servers[0].to('all').emit('said', 'end')
      await until(() => heard.filter(([, word]) => word === 'end').length === 3)
      assert.deepEqual(heard.filter(([, word]) => word === 'hello'), [[1, 'hello']])
    })

    test('sockets of all servers are seen, moved and cut from one', async () => {
      const seen = await servers[0].fetchSockets()
      assert.deepEqual(seen.map(({ id }) => id).sort(), sockets.map(({ id }) => id).sort())
      servers[0].in(sockets[1].id).socketsJoin('moved')
      await until(() => sockets[1].rooms.has('moved'))
      servers[0].in('moved').socketsLeave('moved')
      await until(() => !sockets[1].rooms.has('moved'))
      const cut = next(clients[1], 'disconnect')
      servers[0].in(sockets[1].id).disconnectSockets(true)
      await cut
      await until(async () => (await servers[0].fetchSockets()).length === 1)
    })

    test('a broadcast collects the answers of all browsers', async () => {
      clients.forEach((client, n) => client.on('question', answer => answer(n)))
      const answers = await servers[0].timeout(3000).emitWithAck('question')
      assert.deepEqual(answers.sort(), [0, 1])
    })

    test('servers talk among themselves', async () => {
      servers[1].on('add', (a, b, answer) => answer(a + b))
      assert.deepEqual(await servers[0].serverSideEmitWithAck('add', 20, 22), [42])
      servers[1].removeAllListeners('add')
    })

    test('a hundred broadcasts arrive in their order', async () => {
      const heard = []
      clients[1].on('count', n => heard.push(n))
      for (let n = 0; n < 100; n++) servers[0].emit('count', n)
      await until(() => heard.length === 100)
      assert.deepEqual(heard, Array.from({ length: 100 }, (_, n) => n))
    })
  })
}
