// `require("skep")`: what a cell may ask its host besides `sql`. `index.d.ts` says what each does.

import { callId, current as currentCaller } from "skep:app/caller@1.0.0";
import { get as getCredential } from "skep:app/credentials@1.0.0";
import { current as currentJob, enqueue, isCancelled, report } from "skep:app/jobs@1.0.0";
import { write } from "skep:app/log@1.0.0";
import { send } from "skep:app/notify@1.0.0";
import { all, get, set, unset } from "skep:app/settings@1.0.0";

import { asked, named, SqlError } from "./host.js";
import { phase } from "./phase.js";

const ofSettings = (key) => `the manifest's \`settings\` has no key \`${key}\``;
const ofCredentials = (name) =>
  `the manifest's \`needs.credentials\` does not name \`${name}\`, or it was withdrawn`;
const ofActions = (name) => `the manifest's \`actions\` declare no notification \`${name}\``;

/** Asks the host, which is not there while the app is built. */
function ask(what, undeclared, work) {
  if (phase.building) {
    throw named("NotInCall", `${what} cannot be used while the app is built: do it in a function`);
  }
  return asked(undeclared, work);
}

function line(level) {
  return (message, details) => {
    const detail = details === undefined ? undefined : JSON.stringify(details);
    if (!phase.building) write(level, String(message), detail);
  };
}

const caller = {
  current() {
    const found = ask("the caller", undefined, () => currentCaller());
    if (!found) return null;
    const may = (permission) =>
      found.permissions.includes(permission) || found.permissions.includes("*");
    return { ...found, may };
  },
  callId: () => ask("the call's id", undefined, () => callId()),
};

const settings = {
  get(key) {
    const value = ask("settings", ofSettings, () => get(String(key)));
    return value === undefined || value === null ? null : JSON.parse(value);
  },
  all() {
    const values = ask("settings", ofSettings, () => all());
    return Object.fromEntries(values.map(([key, value]) => [key, JSON.parse(value)]));
  },
  set: (key, value) =>
    ask("settings", ofSettings, () => set(String(key), JSON.stringify(value ?? null))),
  unset: (key) => ask("settings", ofSettings, () => unset(String(key))),
};

const credentials = {
  getBytes: (name) => ask("credentials", ofCredentials, () => getCredential(String(name))),
  get: (name) => new TextDecoder("utf-8", { fatal: true }).decode(credentials.getBytes(name)),
  getJson: (name) => JSON.parse(credentials.get(name)),
};

const notify = {
  send: (action, payload = {}) =>
    ask("notifications", ofActions, () => send(String(action), JSON.stringify(payload ?? null))),
};

const jobs = {
  current() {
    const job = ask("jobs", undefined, () => currentJob());
    return job ?? null;
  },
  progress(percent, words) {
    const whole = percent === undefined || percent === null ? undefined : Math.round(percent);
    // Code that a job and a call share need not ask which of them it runs in.
    if (jobs.current()) ask("jobs", undefined, () => report(whole, words));
  },
  cancelled: () => ask("jobs", undefined, () => isCancelled()),
  enqueue(data = {}, { task, key, priority = "normal", delay = 0 } = {}) {
    const request = {
      payload: JSON.stringify(data),
      task,
      key,
      priority,
      delayMs: BigInt(Math.round(delay * 1000)),
    };
    return ask("jobs", undefined, () => enqueue(request));
  },
};

const log = {
  debug: line("debug"),
  info: line("info"),
  warn: line("warn"),
  error: line("error"),
};

export const skep = { caller, credentials, jobs, log, notify, settings, SqlError };
