// Speaks to the server: the interface that /api/openapi.json describes, and nothing else.

/** What the server, or the way to it, did not allow. */
export class ApiError extends Error {
  constructor(status, body, requestId) {
    super(body?.error ?? `the server answered with status ${status}`);
    this.status = status;
    this.code = body?.code ?? "unknown";
    this.requestId = body?.request_id ?? requestId;
    this.plan = body?.plan;
  }
}

let unauthenticated = () => {};

/** Says what to do when the login is over. */
export function whenUnauthenticated(act) {
  unauthenticated = act;
}

/** An address with a query; what is null, undefined or empty is left out. */
export function address(path, query = {}) {
  const entries = Object.entries(query)
    .filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(entries).toString();
  return text ? `${path}?${text}` : path;
}

/** An address with its parts made safe: `` path`/api/apps/${app}` ``. */
export function path(texts, ...parts) {
  return String.raw({ raw: texts }, ...parts.map((part) => encodeURIComponent(part)));
}

async function send(method, url, { json, body, signal } = {}) {
  const options = { method, signal, headers: {}, credentials: "same-origin" };
  if (json !== undefined) {
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(json);
  } else if (body !== undefined) {
    options.body = body;
  }
  let response;
  try {
    response = await fetch(url, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { error: "the server cannot be reached: is it running?", code: "offline" });
  }
  return answer(response.status, await response.text(), response.headers.get("x-request-id"));
}

function answer(status, text, requestId) {
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    if (status < 400) return text;
  }
  if (status < 400) return body;
  const error = new ApiError(status, body, requestId);
  if (error.code === "unauthenticated") unauthenticated();
  throw error;
}

export const api = {
  get: (url, options) => send("GET", url, options),
  post: (url, json, options) => send("POST", url, { json, ...options }),
  put: (url, json, options) => send("PUT", url, { json, ...options }),
  patch: (url, json, options) => send("PATCH", url, { json, ...options }),
  delete: (url, options) => send("DELETE", url, options),
  /** Puts bytes or text as they are. */
  putRaw: (url, body) => send("PUT", url, { body }),
  /** An answer that counts with any status, such as that of /readyz. */
  async look(url, options) {
    const response = await fetch(url, options);
    return { status: response.status, body: await response.json() };
  },
};

/**
 * Sends a form. `onProgress` hears how much of it has gone, from 0 to 1; `onLine` hears each line of
 * the answer but the last, which says what the answer is.
 */
export function upload(url, form, { onProgress, onLine }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.setRequestHeader("accept", "application/x-ndjson");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    let read = 0;
    const lines = () => {
      const found = [];
      for (let end; (end = request.responseText.indexOf("\n", read)) >= 0; read = end + 1) {
        found.push(JSON.parse(request.responseText.slice(read, end)));
      }
      return found;
    };
    const isLines = () => request.getResponseHeader("content-type") === "application/x-ndjson";
    let last = null;
    const hear = () => {
      for (const line of isLines() ? lines() : []) {
        if (line.stage) onLine(line);
        else last = line;
      }
    };
    request.addEventListener("progress", hear);
    request.addEventListener("load", () => {
      try {
        hear();
        const id = request.getResponseHeader("x-request-id");
        if (!isLines()) {
          // Refused before it began.
          answer(request.status, request.responseText, id);
        }
        if (!last) throw new ApiError(0, { error: "the answer was cut: look at the app, or try again", code: "offline" });
        resolve({ status: last.status, body: answer(last.status, JSON.stringify(last.body), id) });
      } catch (error) {
        reject(error);
      }
    });
    request.addEventListener("error", () =>
      reject(new ApiError(0, { error: "the server cannot be reached, or refused the upload", code: "offline" })));
    request.send(form);
  });
}
