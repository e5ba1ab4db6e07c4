// How the host is: whether it can serve, what waits for somebody, what fails.

import { address, api } from "../lib/api.js";
import { count, milliseconds } from "../lib/format.js";
import { h } from "../lib/h.js";
import { may, mayAny } from "../lib/session.js";
import { badge, code, empty, figure, linkButton, notice, pageHead, panel, time } from "../kit/parts.js";
import { table } from "../kit/table.js";

const HOURS = 24;

export default async function overview({ signal }) {
  const seesCalls = mayAny("skep:apps", "skep:read");
  const [ready, { apps }, summary] = await Promise.all([
    api.look("/readyz", { signal }),
    api.get("/admin/api/apps", { signal }),
    seesCalls ? api.get(address("/api/calls/summary", { hours: HOURS }), { signal }) : null,
  ]);
  const usage = summary?.apps ?? [];
  const waiting = apps.filter((app) => app.waiting !== null);
  const disabled = apps.filter((app) => !app.enabled && app.release !== null);
  const calls = usage.reduce((sum, app) => sum + app.calls, 0);
  const failed = usage.reduce((sum, app) => sum + app.failed, 0);

  return [
    pageHead({
      title: "Overview",
      actions: may("skep:apps") ? [linkButton("Deploy an app", "/admin/deploy", { kind: "primary", image: "upload" })] : [],
    }),
    health(ready),
    h("div", { class: "figures" },
      figure("Apps", count(apps.length), { href: "/admin/apps", note: disabled.length ? `${count(disabled.length)} disabled` : "all enabled" }),
      figure("Wait for consent", count(waiting.length), { kind: waiting.length ? "warning" : "", href: "/admin/apps?state=waiting", note: waiting.length ? "somebody must decide" : "nothing to decide" }),
      seesCalls && figure("Calls", count(calls), { href: "/admin/calls?show=newest", note: `in the last ${HOURS} hours` }),
      seesCalls && figure("Failed", count(failed), { kind: failed ? "bad" : "", href: "/admin/calls", note: calls ? `${count(failed / calls * 100)} % of calls` : "no calls" })),
    waiting.length > 0 && panel({ title: "Waits for consent", id: "waiting" }, waitingTable(waiting)),
    seesCalls && panel({
      title: "Calls of each app", id: "usage", about: `The last ${HOURS} hours; most failures first, then the slowest.`,
    }, usageTable(usage)),
    apps.length === 0 && panel({}, empty("No apps yet",
      ["An app is a zip with a manifest and its code. Deploy one here, or with ", code("skep deploy"), "."],
      may("skep:apps") && linkButton("Deploy an app", "/admin/deploy", { kind: "primary", image: "upload" }))),
  ];
}

function health({ status, body }) {
  if (status === 200) return h("p", { class: "health" }, badge("good", "Ready"), "The server answers calls; so does its database.");
  return notice("warning", h("p", { class: "strong" }, "The server is not ready"),
    h("ul", {}, body.waiting_for.map((text) => h("li", {}, text))));
}

const appLink = (name) => h("a", { href: `/admin/apps/${encodeURIComponent(name)}`, class: "strong" }, name);

function waitingTable(apps) {
  return table({
    label: "Apps that wait for consent",
    rows: apps,
    columns: [
      { key: "app", title: "App", wide: true, cell: (app) => [appLink(app.name), " ", h("span", { class: "muted" }, app.display_name)] },
      { key: "release", title: "Release", number: true, cell: (app) => count(app.waiting) },
      { key: "serves", title: "Serves now", cell: (app) => (app.release === null ? "nothing" : `release ${app.release}`) },
      { key: "since", title: "Changed", cell: (app) => time(app.updated_at) },
      {
        key: "act", title: "Decide", hiddenTitle: true, nowrap: true,
        cell: (app) => linkButton("Look at it", `/admin/apps/${encodeURIComponent(app.name)}/releases/${app.waiting}`, { kind: "small" }),
      },
    ],
  });
}

export function usageTable(usage) {
  return table({
    label: "Calls of each app",
    rows: usage,
    none: empty("No calls", "Nobody has called an app in this time."),
    columns: [
      { key: "app", title: "App", sort: (row) => row.app, cell: (row) => appLink(row.app) },
      { key: "calls", title: "Calls", number: true, sort: (row) => row.calls, cell: (row) => count(row.calls) },
      {
        key: "failed", title: "Failed", number: true, sort: (row) => row.failed,
        cell: (row) => (row.failed
          ? h("a", { href: address("/admin/calls", { app: row.app }) }, badge("bad", `${count(row.failed)} · ${count(row.failed / row.calls * 100)} %`))
          : h("span", { class: "muted" }, "0")),
      },
      { key: "median", title: "Median", number: true, sort: (row) => row.median_ms, cell: (row) => milliseconds(row.median_ms) },
      { key: "p95", title: "95 %", number: true, sort: (row) => row.p95_ms, cell: (row) => milliseconds(row.p95_ms) },
      {
        key: "slowest", title: "Slowest", number: true, sort: (row) => row.slowest_ms,
        cell: (row) => h("a", { href: address("/admin/calls", { app: row.app, show: "slowest" }) }, milliseconds(row.slowest_ms)),
      },
      {
        key: "error", title: "Last failure", wide: true, text: (row) => row.last_error,
        cell: (row) => (row.last_error
          ? h("div", { class: "clip" }, h("span", { class: "error-text" }, row.last_error), h("span", { class: "muted small" }, time(row.last_failed_at)))
          : h("span", { class: "muted" }, "none")),
      },
    ],
  });
}
