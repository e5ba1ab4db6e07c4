"""Who made the current call."""

from __future__ import annotations

from dataclasses import dataclass

from skep import _host


@dataclass(frozen=True, slots=True)
class Caller:
    """A person or a token that called the app.

    `user_id` never changes; `username` may. `roles` and `permissions` are sorted;
    the permission `*` gives all.
    """

    user_id: str
    username: str
    roles: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()

    def may(self, permission: str) -> bool:
        """Tells whether the caller holds `permission` (a slug such as `sales:access`)."""
        return permission in self.permissions or "*" in self.permissions


def current() -> Caller | None:
    """Return the caller, or None where no user stands behind the call.

    None is what module-level code gets, at build and in `load`.
    """
    return _host.host.current_caller()


def call_id() -> str:
    """Return the id of the current call, as logs and `X-Request-Id` show it.

    Empty while the app is being built and outside a cell.
    """
    return _host.host.call_id()
