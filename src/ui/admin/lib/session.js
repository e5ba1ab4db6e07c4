// Who is logged in, and what they may do.

import { ApiError, api } from "./api.js";

let me = null;

/** Asks who is logged in; null where nobody is. */
export async function load() {
  try {
    me = await api.get("/api/auth/me");
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
    me = null;
  }
  return me;
}

export function current() {
  return me;
}

export function forget() {
  me = null;
}

/** Whether a page is worth showing to who is logged in. The server decides by itself. */
export function may(permission) {
  const [resource] = permission.split(":");
  return (me?.permissions ?? []).some(
    (own) => own === "*" || own === permission || own === `${resource}:*`);
}

export const mayAny = (...permissions) => permissions.some(may);
