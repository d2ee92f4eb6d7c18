"""A shop's API that answers from Larder what it can: cache-aside with tags, a rate limit by tier, a health check.

    pip install fastapi uvicorn redis && uvicorn app:app
    curl -i localhost:8000/products/1

REDIS_URL (redis://localhost:6379) says where Larder listens. The guide: docs/GUIDE.md.
"""

import json
import logging
import math
import os
from dataclasses import asdict, dataclass

import redis.asyncio
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError

app = FastAPI()
larder = redis.asyncio.from_url(os.environ.get("REDIS_URL", "redis://localhost:6379"), decode_responses=True,
                                socket_timeout=0.5, socket_connect_timeout=0.5)
app.add_event_handler("shutdown", larder.close)

CACHE_SECONDS = 300
# THROTTLE's numlimits, then limit and period in ms of each.
TIERS = {"free": [1, 10, 60000], "pro": [2, 50, 1000, 10000, 3600000]}


async def or_none(answer):
    """Without Larder everything still works, only slower."""
    try:
        return await answer
    except RedisError as error:
        logging.getLogger("uvicorn.error").warning("larder: %s", error)


# ---- the database, for this example's sake ----

@dataclass
class Product:
    id: int
    name: str
    shelf: int


products = {product.id: product for product in [Product(1, "Tea", 3), Product(2, "Jam", 3)]}


async def find_product(id):
    return products.get(id)


async def find_products_on(shelf):
    return [product for product in products.values() if product.shelf == shelf][:100]


# ---- cache-aside ----

async def cached(request: Request, load, tags_of):
    """Answers from the cache, or with what load() finds; tags_of() names all that this was made of, in 255 tags at most."""
    key = f"cache:{request.url.path}"
    body, cache = await or_none(larder.get(key)), "HIT"
    if body is None:
        found = await load()
        if found is None:
            raise HTTPException(404, "There is no such thing.")
        body, cache = json.dumps(found, default=asdict), "MISS"
        tags = tags_of(found)
        await or_none(larder.execute_command("SET", key, body, "EX", CACHE_SECONDS, "TAGS", len(tags), *tags))
    return Response(body, media_type="application/json", headers={"X-Cache": cache})


# ---- limits ----

@app.middleware("http")
async def limit(request: Request, call_next):
    """By API key where there is one, else by address. What the tier of a key is, a real application asks its database."""
    if request.url.path == "/health":
        return await call_next(request)
    api_key = request.headers.get("X-Api-Key")
    tier = TIERS["pro" if api_key and api_key.startswith("pro-") else "free"]
    answer = await or_none(larder.execute_command("THROTTLE", f"api:{api_key or request.client.host}", *tier))
    if answer is None:
        return await call_next(request)
    limited, most, remaining, retry_after_ms = answer[:4]
    response = await call_next(request) if not limited else JSONResponse(
        {"error": "Too many requests."}, 429, {"Retry-After": str(math.ceil(retry_after_ms / 1000))})
    response.headers.update({"RateLimit-Limit": str(most), "RateLimit-Remaining": str(remaining)})
    return response


# ---- the application ----

@app.get("/health")
async def health():
    healthy = await or_none(larder.ping())
    return JSONResponse({"cache": "up" if healthy else "down"}, 200 if healthy else 503)


@app.get("/products/{id}")
async def product(request: Request, id: int):
    return await cached(request, lambda: find_product(id), lambda found: [f"product:{id}", f"shelf:{found.shelf}"])


@app.get("/shelves/{shelf}")
async def shelf(request: Request, shelf: int):
    return await cached(request, lambda: find_products_on(shelf),
                        lambda found: [f"shelf:{shelf}", *(f"product:{each.id}" for each in found)])


# First the database, then the tag: every answer that this product is part of is gone when the request is answered.
@app.put("/products/{id}")
async def rename(id: int, name: str):
    product = await find_product(id)
    if product is None:
        raise HTTPException(404, "There is no such product.")
    product.name = name
    await or_none(larder.execute_command("TAGDEL", f"product:{id}"))
    return product
