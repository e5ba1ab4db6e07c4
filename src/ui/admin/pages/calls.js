// Calls of all apps with what they used: those that failed first, or the slowest, or the newest.

import { address, api, path } from "../lib/api.js";
import { bytes, count, milliseconds, plural } from "../lib/format.js";
import { h } from "../lib/h.js";
import { go } from "../lib/router.js";
import { badge, empty, later, linkButton, pageHead, panel, time } from "../kit/parts.js";
import { callsOverTime } from "../kit/calls-chart.js";
import { table } from "../kit/table.js";
import { usageTable } from "./overview.js";

const SHOWN = { failed: { outcome: "failed" }, slowest: { order: "slowest" }, newest: {} };
const TITLES = [["failed", "Failed"], ["slowest", "Slowest"], ["newest", "Newest"]];
const TIMES = [[1, "1 hour"], [24, "24 hours"], [168, "7 days"], [720, "30 days"]];
const PAGE = 50;

/** How a call ended, in a mark. */
export const ending = (outcome) => badge(outcome === "ok" ? "good" : "bad", outcome === "ok" ? "OK" : outcome.replaceAll("_", " "));

export default async function calls({ query, signal }) {
  const wish = {
    show: SHOWN[query.get("show")] ? query.get("show") : "failed",
    app: query.get("app") ?? "",
    hours: query.get("hours") ?? "24",
    slower: query.get("slower") ?? "",
  };
  const page = (before) => api.get(address("/api/calls", {
    ...SHOWN[wish.show], app: wish.app, hours: wish.hours, slower_than_ms: wish.slower, limit: PAGE, before,
  }), { signal });
  const [first, { apps: usage }, { apps }] = await Promise.all([
    page(),
    api.get(address("/api/calls/summary", { hours: wish.hours }), { signal }),
    api.get("/admin/api/apps", { signal }),
  ]);
  const shownUsage = wish.app ? usage.filter((row) => row.app === wish.app) : usage;
  const spell = TIMES.find(([hours]) => String(hours) === wish.hours)?.[1] ?? plural(Number(wish.hours), "hour");
  return [
    pageHead({ title: "Calls", about: `What the calls of the last ${spell} used and came to.` }),
    filters(wish, apps),
    panel({ title: "Over time", id: "over-time" }, later(callsOverTime({ app: wish.app, hours: wish.hours, signal }), (node) => node)),
    panel({ title: "By app", id: "by-app" }, usageTable(shownUsage)),
    panel({ title: { failed: "Failed calls", slowest: "Slowest calls", newest: "Newest calls" }[wish.show], id: "calls" },
      callTable(first, wish, page)),
  ];
}

const here = (wish, change) => {
  const { show, ...rest } = { ...wish, ...change };
  return address("/admin/calls", { ...rest, show: show === "failed" ? "" : show, hours: rest.hours === "24" ? "" : rest.hours });
};

function filters(wish, apps) {
  const select = (label, name, options) => {
    const self = h("select", { "aria-label": label, on: { change: () => go(here(wish, { [name]: self.value })) } },
      options.map(([value, text]) => h("option", { value }, text)));
    self.value = wish[name];
    return self;
  };
  const slower = h("input", {
    type: "number", min: 0, step: 1, value: wish.slower, placeholder: "any time", "aria-label": "Slower than, in milliseconds",
    on: { change: () => go(here(wish, { slower: slower.value })) },
  });
  return h("div", { class: "filters" },
    h("nav", { class: "segments", "aria-label": "Which calls" }, TITLES.map(([key, text]) =>
      h("a", { href: here(wish, { show: key }), "aria-current": key === wish.show ? "true" : null }, text))),
    select("App", "app", [["", "All apps"], ...apps.map((app) => [app.name, app.name])]),
    select("Time", "hours", TIMES.map(([hours, text]) => [String(hours), text])),
    h("div", { class: "with-unit" }, h("span", { "aria-hidden": "true" }, "Slower than"), slower, h("span", { "aria-hidden": "true" }, "ms")));
}

function callTable(first, wish, page) {
  let { next } = first;
  return table({
    label: "Calls",
    rows: first.calls,
    filter: false,
    hasMore: next !== null,
    more: async () => {
      const answer = await page(next);
      next = answer.next;
      return { rows: answer.calls, hasMore: next !== null };
    },
    none: wish.show === "failed"
      ? empty("No call failed", "Nothing went wrong in this time.", linkButton("Show the slowest", here(wish, { show: "slowest" })))
      : empty("No calls", "Nobody has called an app in this time."),
    columns: [
      { key: "at", title: "When", nowrap: true, cell: (row) => h("a", { href: path`/admin/calls/${row.app}/${row.id}` }, time(row.started_at)) },
      { key: "app", title: "App", nowrap: true, cell: (row) => row.app },
      { key: "outcome", title: "Outcome", nowrap: true, cell: (row) => ending(row.outcome) },
      { key: "wall", title: "Took", number: true, nowrap: true, cell: (row) => milliseconds(row.wall_ms) },
      { key: "db", title: "Database", number: true, nowrap: true, cell: (row) => (row.statements ? `${milliseconds(row.db_ms)} · ${count(row.statements)}` : "–") },
      { key: "memory", title: "Memory", number: true, nowrap: true, cell: (row) => bytes(row.memory_bytes) },
      { key: "caller", title: "Caller", cell: (row) => row.caller ?? "–" },
      { key: "error", title: "Error", wide: true, cell: (row) => (row.error ? h("div", { class: "clip" }, h("span", { class: "error-text" }, row.error)) : "") },
    ],
  });
}
