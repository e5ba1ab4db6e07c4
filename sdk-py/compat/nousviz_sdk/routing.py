"""A FastAPI router under the plugin's own address."""

from __future__ import annotations

from typing import Any


def router_for_plugin(slug: str) -> Any:
    """Return an `APIRouter` with the prefix `/api/plugins/<slug>` and the tag `<slug>`.

    Raises `ImportError` where FastAPI is not in the bundle.
    """
    try:
        from fastapi import APIRouter
    except ImportError as error:
        raise ImportError(
            f"router_for_plugin needs FastAPI, which cannot be imported ({error}): put it into"
            " the bundle's folder `libs`",
            name="fastapi",
        ) from error
    return APIRouter(prefix=f"/api/plugins/{slug}", tags=[slug])
