// A server of our own: the real `skep serve` on a scratch folder, with its embedded database.

import { spawn } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const PASSWORD = "only for this run";

/** The program that is tested. */
export function program() {
  const path = process.env.SKEP;
  if (!path) throw new Error("set SKEP to the program that is tested, such as target/debug/skep");
  return path;
}

/** What the server may know of ours: it refuses settings that are not its own. */
export function environment() {
  const { SKEP, SKEP_PAGES, SKEP_SHOTS, SKEP_CHROMIUM, ...rest } = process.env;
  return rest;
}

/** Starts a server. `stop` ends it, and takes its folder away. */
export async function startServer() {
  const folder = await mkdtemp(join(tmpdir(), "skep-browser-"));
  // The database may run as another user, which has to pass through.
  await chmod(folder, 0o711);
  const child = spawn(program(), ["serve", "--listen", "127.0.0.1:0", "--data", join(folder, "data")], {
    env: { ...environment(), SKEP_ADMIN_PASSWORD: PASSWORD },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  let log = "";
  child.stderr.on("data", (text) => { log += text; });
  const url = await new Promise((resolve, reject) => {
    let printed = "";
    child.stdout.on("data", (text) => {
      printed += text;
      const ready = /skep is ready on (\S+)\n/.exec(printed);
      if (ready) resolve(ready[1]);
    });
    child.once("exit", () => reject(new Error(`the server ended before it was ready:\n${log}`)));
  });
  return {
    url,
    log: () => log,
    async stop() {
      child.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Somebody who uses the server's interface, as programs do. */
export class Client {
  constructor(url, token) {
    this.url = url;
    this.token = token;
  }

  static async login(url, username, password) {
    const { token } = await new Client(url).send("POST", "/api/auth/login", { username, password });
    return new Client(url, token);
  }

  async raw(method, path, body, headers = {}) {
    return fetch(this.url + path, {
      method,
      headers: { ...(this.token ? { authorization: `Bearer ${this.token}` } : {}), ...headers },
      body,
    });
  }

  /** Sends JSON; fails where the answer is an error. */
  async send(method, path, json) {
    const body = json === undefined ? undefined : JSON.stringify(json);
    const response = await this.raw(method, path, body, { "content-type": "application/json" });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  /** Deploys a zip; with `accept`, consents to its plan. */
  async deploy(zip, { accept } = {}) {
    const form = new FormData();
    if (accept) form.set("accept", accept);
    form.set("file", new Blob([zip]), "app.zip");
    const response = await this.raw("POST", "/admin/api/apps/deploy", form);
    const report = await response.json();
    if (!response.ok) throw new Error(`deploy: ${response.status} ${report.error}`);
    return report;
  }

  /** Waits until no job waits or runs. */
  async ended() {
    const going = async () => (await Promise.all(["pending", "running"].map((status) => this.send("GET", `/api/jobs?status=${status}`))))
      .some(({ jobs }) => jobs.length > 0);
    while (await going()) await new Promise((resolve) => { setTimeout(resolve, 50); });
  }

  /** Calls an app; what it answers with, be it an error. */
  async call(app, payload) {
    return (await this.raw("POST", `/api/sync/${app}`, JSON.stringify(payload), { "content-type": "application/json" })).json();
  }
}
