"""The work of the benchmark in FastAPI, for uvicorn with uvloop and httptools.

The database comes from libpq's variables (`PGHOST` and so on).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool

# As many as Skep gives one app.
pool = AsyncConnectionPool("", min_size=8, max_size=8, open=False)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with pool:
        await pool.wait()
        yield


app = FastAPI(lifespan=lifespan)


# No model of the answer, which FastAPI would check: it is the faster of its two ways.
@app.post("/", response_model=None)
async def call(data: dict[str, Any]) -> dict[str, Any]:
    """Answer one call."""
    action = data.get("action")
    if action == "ping":
        return {"pong": data.get("value")}
    if action == "get":
        return await get(data["id"])
    if action == "add":
        return await add(data["name"], data["amount"])
    return {"error": f"unknown action '{action}'"}


async def get(entry: int) -> dict[str, Any]:
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT name, amount FROM tally_entries WHERE id = %s", (entry,)
        )
        row = await cursor.fetchone()
    if row is None:
        return {"error": f"there is no entry {entry}"}
    return {"id": entry, "name": row[0], "amount": row[1]}


async def add(name: str, amount: int) -> dict[str, Any]:
    insert = "INSERT INTO tally_entries (name, amount) VALUES (%s, %s) RETURNING id"
    async with pool.connection() as connection:
        cursor = await connection.execute(insert, (name, amount))
        row = await cursor.fetchone()
    assert row is not None
    return {"id": row[0]}
