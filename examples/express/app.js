// A shop's API that answers from Larder what it can: cache-aside with tags, a rate limit by tier, a health check.
//
//     npm install express ioredis && node app.js
//     curl -i localhost:3000/products/1
//
// REDIS_URL (redis://localhost:6379) says where Larder listens, PORT (3000) where this does. The guide: docs/GUIDE.md.

const express = require('express')
const Redis = require('ioredis')

// Without Larder everything still works, only slower: a command fails at once instead of waiting for a connection.
const redis = new Redis(process.env.REDIS_URL ?? 'redis://localhost:6379', { enableOfflineQueue: false, commandTimeout: 500 })
redis.on('error', error => console.error(`larder: ${error.message}`))
const orElse = (promise, value) => promise.catch(() => value)

// ---- the database, for this example's sake ----

const products = new Map([
  [1, { id: 1, name: 'Tea', shelf: 3 }],
  [2, { id: 2, name: 'Jam', shelf: 3 }]
])
const database = {
  product: async id => products.get(id),
  productsOn: async shelf => [...products.values()].filter(product => product.shelf === shelf).slice(0, 100),
  rename: async (id, name) => Object.assign(products.get(id), { name })
}

// ---- cache-aside ----

const CACHE_SECONDS = 300

/** Answers from the cache, or with what load() finds; tagsOf() names all that this was made of, in 255 tags at most. */
function cached (load, tagsOf) {
  return async (request, response) => {
    const key = `cache:${request.path}`
    const hit = await orElse(redis.get(key), null)
    if (hit !== null) return response.set('X-Cache', 'HIT').type('json').send(hit)
    const found = await load(request)
    if (found === undefined) return response.status(404).json({ error: 'There is no such thing.' })
    const body = JSON.stringify(found)
    const tags = tagsOf(found, request)
    await orElse(redis.call('SET', key, body, 'EX', CACHE_SECONDS, 'TAGS', tags.length, ...tags))
    response.set('X-Cache', 'MISS').type('json').send(body)
  }
}

// ---- limits ----

// THROTTLE's numlimits, then limit and period in ms of each.
const TIERS = { free: [1, 10, 60000], pro: [2, 50, 1000, 10000, 3600000] }

/** By API key where there is one, else by address. What the tier of a key is, a real application asks its database. */
async function limit (request, response, next) {
  const apiKey = request.get('X-Api-Key')
  const tier = apiKey?.startsWith('pro-') ? TIERS.pro : TIERS.free
  const answer = await orElse(redis.call('THROTTLE', `api:${apiKey ?? request.ip}`, ...tier))
  if (!answer) return next()
  const [limited, most, remaining, retryAfterMs] = answer
  response.set({ 'RateLimit-Limit': most, 'RateLimit-Remaining': remaining })
  if (!limited) return next()
  response.set('Retry-After', Math.ceil(retryAfterMs / 1000)).status(429).json({ error: 'Too many requests.' })
}

// ---- the application ----

const app = express()

app.get('/health', async (request, response) => {
  const healthy = await orElse(redis.ping()) === 'PONG'
  response.status(healthy ? 200 : 503).json({ cache: healthy ? 'up' : 'down' })
})

app.use(limit)

app.get('/products/:id', cached(
  request => database.product(Number(request.params.id)),
  product => [`product:${product.id}`, `shelf:${product.shelf}`]))

app.get('/shelves/:shelf', cached(
  request => database.productsOn(Number(request.params.shelf)),
  (found, request) => [`shelf:${request.params.shelf}`, ...found.map(product => `product:${product.id}`)]))

// First the database, then the tag: every answer that this product is part of is gone when the request is answered.
app.put('/products/:id', async (request, response) => {
  const id = Number(request.params.id)
  const { name } = request.query
  if (typeof name !== 'string') return response.status(400).json({ error: 'What is the new name?' })
  if (await database.product(id) === undefined) return response.status(404).json({ error: 'There is no such product.' })
  const product = await database.rename(id, name)
  await orElse(redis.call('TAGDEL', `product:${id}`))
  response.json(product)
})

const server = app.listen(process.env.PORT ?? 3000, () => console.log(`http://localhost:${server.address().port}`))

process.on('SIGTERM', () => server.close(() => redis.disconnect()))
