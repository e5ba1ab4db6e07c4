// One app: its releases, grants, settings, credentials and tables.

import { address, api, path } from "../lib/api.js";
import { bytes, count, milliseconds, short } from "../lib/format.js";
import { h } from "../lib/h.js";
import { go, show } from "../lib/router.js";
import { may, mayAny } from "../lib/session.js";
import { confirm } from "../kit/dialog.js";
import { button, code, empty, facts, figure, later, linkButton, notice, pageHead, panel, tabs, time } from "../kit/parts.js";
import { limitsTable } from "../kit/plan.js";
import { callsOverTime } from "../kit/calls-chart.js";
import { table } from "../kit/table.js";
import { attempt, toast } from "../kit/toast.js";
import { appState, hasPage, pageOf } from "./apps.js";
import { credentials } from "./app-credentials.js";
import { grants } from "./app-grants.js";
import { settings } from "./app-settings.js";
import { releaseState } from "./release.js";

const TABS = [
  ["summary", "Summary", () => true, summary],
  ["releases", "Releases", () => true, releases],
  ["grants", "Grants", () => true, grants],
  ["settings", "Settings", () => may("skep:apps"), settings],
  ["credentials", "Credentials", () => may("skep:credentials"), credentials],
  ["danger", "Disable or delete", () => may("skep:apps"), danger],
];

export default async function app({ params, query, signal }) {
  const details = await api.get(path`/admin/api/apps/${params.app}`, { signal });
  const current = params.tab ?? "summary";
  const found = TABS.find(([key, , allowed]) => key === current && allowed());
  const base = path`/admin/apps/${details.name}`;
  return [
    pageHead({
      title: details.display_name || details.name,
      back: [["Apps", "/admin/apps"]],
      about: [appState(details), " ", code(details.name), " version ", details.version],
      actions: [
        mayAny("skep:apps", "skep:read") && linkButton("Calls", address("/admin/calls", { app: details.name, show: "newest" }), { image: "calls" }),
        mayAny("skep:logs", "skep:apps", "skep:read") && linkButton("Logs", address("/admin/logs", { app: details.name }), { image: "logs" }),
        hasPage(details) && linkButton("Open", pageOf(details), { kind: "primary", image: "open" }),
      ].filter(Boolean),
    }),
    details.waiting !== null && notice("warning",
      h("p", { class: "strong" }, `Release ${details.waiting} waits for consent`),
      h("div", { class: "actions" }, linkButton("Look at it", `${base}/releases/${details.waiting}`))),
    tabs("Parts of the app", TABS.filter(([, , allowed]) => allowed()).map(([key, text]) => [key, text, key === "summary" ? base : `${base}/${key}`]), current),
    found
      ? await found[3]({ app: details, query, signal })
      : empty("There is no such part", "It does not exist, or you may not see it.", linkButton("Summary", base)),
  ];
}

function summary({ app, signal }) {
  return [
    app.description && h("p", { class: "lead" }, app.description),
    mayAny("skep:apps", "skep:read") && later(usage(app.name, signal), (nodes) => nodes),
    mayAny("skep:apps", "skep:read") && panel({ title: "Calls of the last 24 hours", id: "calls" },
      later(callsOverTime({ app: app.name, hours: 24, signal }), (node) => node)),
    h("div", { class: "columns" },
      panel({ title: "What serves", id: "serves" }, facts(
        ["Release", app.release === null ? "none" : h("a", { href: path`/admin/apps/${app.name}/releases/${app.release}` }, count(app.release))],
        ["Version", app.version],
        ["Digest", code(short(app.digest))],
        ["Called by", app.required_permission ? code(app.required_permission) : "every user"],
        ["Since", time(app.updated_at)],
        ["First deployed", time(app.created_at)])),
      panel({ title: "Limits of a call", id: "limits" }, later(limits(app, signal), (node) => node))),
    panel({ title: "Tables", id: "tables", about: "Rows as the database estimates them; sizes with indexes." }, table({
      label: "Tables",
      rows: app.tables,
      none: empty("No tables", "The app keeps nothing in the database."),
      columns: [
        { key: "name", title: "Table", wide: true, sort: (row) => `${row.schema}.${row.name}`, cell: (row) => code(`${row.schema}.${row.name}`) },
        { key: "rows", title: "Rows", number: true, sort: (row) => row.rows ?? -1, cell: (row) => (row.rows === null ? "not counted" : count(row.rows)) },
        { key: "bytes", title: "Size", number: true, sort: (row) => row.bytes, cell: (row) => bytes(row.bytes) },
      ],
    })),
  ];
}

async function usage(name, signal) {
  const { apps } = await api.get(address("/api/calls/summary", { hours: 24 }), { signal });
  const row = apps.find((each) => each.app === name);
  if (!row) return h("p", { class: "muted" }, "No calls in the last 24 hours.");
  return h("div", { class: "figures" },
    figure("Calls", count(row.calls), { href: address("/admin/calls", { app: name, show: "newest" }), note: "in the last 24 hours" }),
    figure("Failed", count(row.failed), { kind: row.failed ? "bad" : "", href: address("/admin/calls", { app: name }), note: `${count(row.failed / row.calls * 100)} %` }),
    figure("Median", milliseconds(row.median_ms), { note: `95 %: ${milliseconds(row.p95_ms)}` }),
    figure("Slowest", milliseconds(row.slowest_ms), { href: address("/admin/calls", { app: name, show: "slowest" }) }));
}

async function limits(app, signal) {
  if (app.release === null) return h("p", { class: "muted" }, "None before a release serves.");
  const plan = await api.get(path`/admin/api/apps/${app.name}/releases/${app.release}/plan`, { signal });
  return limitsTable(plan.limits.after);
}

function releases({ app }) {
  return panel({ title: "Releases", id: "releases", about: "Going back changes what serves; tables stay as they are." }, table({
    label: "Releases",
    rows: app.releases,
    none: empty("No releases"),
    columns: [
      { key: "number", title: "Release", number: true, sort: (row) => row.number, cell: (row) => h("a", { href: path`/admin/apps/${app.name}/releases/${row.number}`, class: "strong" }, count(row.number)) },
      { key: "state", title: "State", nowrap: true, cell: releaseState },
      { key: "version", title: "Version", sort: (row) => row.version, cell: (row) => row.version },
      { key: "digest", title: "Digest", cell: (row) => code(short(row.digest)) },
      { key: "by", title: "Deployed", sort: (row) => row.created_at, text: (row) => row.created_by, cell: (row) => [row.created_by, " ", h("span", { class: "muted" }, time(row.created_at))] },
      {
        key: "decided", title: "Decided", wide: true, text: (row) => `${row.decided_by ?? ""} ${row.reason ?? ""}`,
        cell: (row) => (row.decided_by ? h("div", { class: "clip" }, h("span", {}, row.decided_by, " ", h("span", { class: "muted" }, time(row.decided_at))), row.reason && h("span", { class: "muted small" }, row.reason)) : h("span", { class: "muted" }, "not needed")),
      },
      {
        key: "act", title: "Go back", hiddenTitle: true, nowrap: true,
        cell: (row) => (may("skep:apps") && row.state === "ready" && !row.active
          ? button("Make it serve", { kind: "small", label: `Make it serve: release ${row.number}`, act: () => rollBack(app, row) })
          : ""),
      },
    ],
  }));
}

async function rollBack(app, row) {
  const done = await confirm({
    title: `Make release ${row.number} serve?`,
    about: `It replaces release ${app.release} of ${app.name} at once. Calls that run come to their end on the release that they began with. Tables stay as they are.`,
    action: "Make it serve",
    act: () => api.post(path`/admin/api/apps/${app.name}/rollback`, { release: row.number }),
  });
  if (!done) return;
  toast(`Release ${row.number} of ${app.name} serves`);
  await show();
}

function danger({ app }) {
  const base = path`/admin/api/apps/${app.name}`;
  const turn = async (verb, words) => {
    if (await attempt(() => api.post(`${base}/${verb}`), words)) await show();
  };
  const remove = async (keep) => {
    const done = await confirm({
      title: keep ? `Delete ${app.name}, keep its tables?` : `Delete ${app.name} with its tables?`,
      about: keep
        ? "Its releases, settings and credentials go. Its tables stay for a later app of that name."
        : `Its releases, settings and credentials go, and ${count(app.tables.length)} of its tables with all their rows. There is no way back but a backup.`,
      action: keep ? "Delete the app" : "Delete the app and its tables",
      danger: true,
      typed: app.name,
      act: () => api.delete(address(base, { tables: keep ? "keep" : "drop" })),
    });
    if (!done) return;
    toast(`${app.name} was deleted`);
    await go("/admin/apps");
  };
  const row = (title, about, ...actions) => h("div", { class: "danger-row" },
    h("div", {}, h("h3", {}, title), h("p", { class: "muted" }, about)), h("div", { class: "actions" }, actions));
  return panel({ title: "What cannot be undone, or stops work", id: "danger" },
    app.enabled
      ? row("Disable the app", "Its calls are refused from now on; those that run come to their end.", button("Disable", { kind: "danger-quiet", act: () => turn("disable", `${app.name} is disabled`) }))
      : row("Enable the app", "It can be called again.", button("Enable", { kind: "primary", act: () => turn("enable", `${app.name} is enabled`) })),
    row("Delete the app", "Keep its tables for a later app of that name, or drop them.",
      button("Delete, keep tables", { kind: "danger-quiet", act: () => remove(true) }),
      button("Delete with tables", { kind: "danger", act: () => remove(false) })));
}
