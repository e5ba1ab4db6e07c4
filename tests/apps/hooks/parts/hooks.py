"""What the host tells the app, and what the app makes of it."""

import skep
from skep.hooks import HookResult


def on_install(ctx, conn):
    _note(conn, "installed")
    return HookResult(message=f"{ctx.app} is ready", data={"first": True})


def on_upgrade(ctx):
    print(f"from {ctx.payload['from']} to {ctx.payload['to']}")


def on_enable(ctx, conn):
    _note(conn, "enabled, and refused")
    return {"ok": False, "message": "not today", "data": {"later": True}}


def on_disable(ctx):
    return 5


def on_credentials_saved(ctx):
    return {"message": ", ".join(ctx.payload["fields"])}


def on_settings_saved(ctx):
    raise ValueError(f"cannot take {ctx.payload['keys']}")


def on_first_run_success(ctx, conn):
    _note(conn, "ran")


def on_uninstall(ctx, conn):
    _note(conn, "gone")
    token = skep.credentials.get("token")
    return {"message": f"{ctx.payload['remove_data']} {len(token)}"}


def _note(conn, text):
    with conn.cursor() as cur:
        cur.execute("INSERT INTO hooks_notes (text) VALUES (%s)", (text,))
