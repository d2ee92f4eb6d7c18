// The examples of docs/GUIDE.md in JavaScript, each on an emptied server, and the application in examples/express.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { after, beforeEach, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { host, packageName, port, until } from './server_under_test.mjs'

const { default: Redis } = await import(packageName)
const redis = new Redis({ host, port })
redis.on('error', () => {})

beforeEach(async () => {
  await redis.flushall()
  await redis.config('RESETSTAT')
}, { timeout: 10000 })
after(() => redis.disconnect())

const root = fileURLToPath(new URL('../..', import.meta.url))
const guide = readFileSync(`${root}docs/GUIDE.md`, 'utf8')
const AsyncFunction = (async () => {}).constructor

/** The fenced blocks in a language: their text, and the line where each begins. */
function examples (language) {
  const blocks = guide.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))
  return Array.from(blocks, ({ 1: text, index }) => ({ text, line: guide.slice(0, index).split('\n').length + 1 }))
}

/** Each `code // => value` as a comparison; of `const name = code // => value`, that of the name. */
function withComparisons (text) {
  return text.replace(/^(const (\w+) = )?(\S.*?) *\/\/ => (.+)$/gm, (line, declaration, name, code, value) =>
    declaration ? `${declaration}${code}; same(${name}, ${value})` : `;same(${code}, ${value})`)
}

describe('docs/GUIDE.md', { timeout: 60000 }, () => {
  for (const { text, line } of examples('js')) {
    test(`the example in line ${line}`, async () => {
      let compared = 0
      const same = (found, told) => {
        compared++
        assert.deepEqual(found, told)
      }
      await new AsyncFunction('redis', 'same', withComparisons(text))(redis, same)
      assert.equal(compared, text.split('// =>').length - 1)
      assert.ok(compared > 0, 'the example tells no value')
    })
  }

  test('each example is there in both languages', () => {
    const languages = Array.from(guide.matchAll(/^```(\w+)$/gm), ({ 1: language }) => language)
    assert.ok(languages.length > 0)
    languages.forEach((language, n) => assert.equal(language, n % 2 === 0 ? 'js' : 'python'))
  })
})

describe('examples/express', { timeout: 60000 }, () => {
  const started = []
  after(() => started.forEach(application => application.kill('SIGKILL')))

  /** The address of a new application, on a port of its own choice. */
  async function start (redisPort) {
    const environment = { PORT: '0', REDIS_URL: `redis://${host}:${redisPort}`, NODE_PATH: `${root}tests/clients/node_modules` }
    const application = spawn(process.execPath, [`${root}examples/express/app.js`],
      { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'inherit'] })
    started.push(application)
    let printed = ''
    application.stdout.on('data', data => { printed += data })
    return until(() => printed.match(/http:\S+/)?.[0])
  }

  async function startHealthy () {
    const address = await start(port)
    await until(async () => (await fetch(`${address}/health`)).ok)
    return address
  }

  const get = async (url, options) => {
    const response = await fetch(url, options)
    return { status: response.status, cache: response.headers.get('x-cache'), body: await response.json() }
  }

  test('answers from the cache until a tag is deleted', async () => {
    const address = await startHealthy()
    assert.deepEqual(await get(`${address}/products/1`), { status: 200, cache: 'MISS', body: { id: 1, name: 'Tea', shelf: 3 } })
    assert.equal((await get(`${address}/products/1`)).cache, 'HIT')
    assert.deepEqual((await redis.call('TAGS', 'cache:/products/1')).sort(), ['product:1', 'shelf:3'])
    assert.equal((await get(`${address}/shelves/3`)).cache, 'MISS')
    assert.equal((await get(`${address}/shelves/3`)).cache, 'HIT')
    const renamed = await get(`${address}/products/1?name=Green%20tea`, { method: 'PUT' })
    assert.deepEqual(renamed.body, { id: 1, name: 'Green tea', shelf: 3 })
    assert.deepEqual(await get(`${address}/products/1`), { status: 200, cache: 'MISS', body: renamed.body })
    assert.deepEqual((await get(`${address}/shelves/3`)).body.map(({ name }) => name), ['Green tea', 'Jam'])
    assert.equal((await get(`${address}/products/9`)).status, 404)
    assert.equal((await get(`${address}/products/1`, { method: 'PUT' })).status, 400)
  })

  test('limits who asks too often, by tier', async () => {
    const address = await startHealthy()
    const ask = key => fetch(`${address}/products/1`, { headers: { 'x-api-key': key } })
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask('free-ada')))
    const refused = answers.filter(({ status }) => status === 429)
    assert.equal(refused.length, 2)
    assert.ok(refused[0].headers.get('retry-after') > 0)
    assert.equal((await ask('pro-bob')).status, 200)
  })

  test('is healthy while the cache answers, and serves without it', async () => {
    await startHealthy()
    const address = await start(1)
    assert.equal((await get(`${address}/health`)).status, 503)
    assert.deepEqual(await get(`${address}/products/2`), { status: 200, cache: 'MISS', body: { id: 2, name: 'Jam', shelf: 3 } })
  })

  test('ends on SIGTERM', async () => {
    await startHealthy()
    const application = started.at(-1)
    application.kill()
    assert.deepEqual(await once(application, 'exit'), [0, null])
  })
})
