// One call with its receipt.

import { address, api, path } from "../lib/api.js";
import { at, bytes, count, milliseconds } from "../lib/format.js";
import { h } from "../lib/h.js";
import { code, copyButton, facts, later, linkButton, pageHead, panel } from "../kit/parts.js";
import { ending } from "./calls.js";
import { linesOf } from "./logs.js";

const PARTS = [
  ["queued", "Waiting for a place", "queued_ms"],
  ["instantiate", "Making the cell", "instantiate_ms"],
  ["guest", "The app itself", "guest_ms"],
  ["db", "Waiting for the database", "db_ms"],
  ["egress", "Waiting for HTTP servers", "egress_ms"],
];

export default async function call({ params: { app, id }, signal }) {
  const row = await api.get(path`/api/apps/${app}/calls/${id}`, { signal });
  const known = PARTS.map(([key, name, field]) => [key, name, row[field] ?? 0]);
  const other = Math.max(0, row.wall_ms - known.reduce((sum, [, , value]) => sum + value, 0));
  const parts = [...known, ["other", "Else", other]].filter(([, , value]) => value >= 0.05);
  return [
    pageHead({
      title: "Call",
      back: [["Calls", "/admin/calls"], [app, address("/admin/calls", { app, show: "newest" })]],
      about: [ending(row.outcome), ` ${milliseconds(row.wall_ms)}, ${at(row.started_at)}`],
      actions: [linkButton("Open the app", path`/admin/apps/${app}`)],
    }),
    row.error && panel({ title: "What went wrong", id: "error" }, h("pre", { class: "block", tabindex: "0" }, row.error)),
    panel({ title: "Where the time went", id: "time" },
      h("div", { class: "bar", "aria-hidden": "true" }, parts.map(([key, , value]) => h("span", { class: `part-${key}`, vars: { part: `${value / row.wall_ms * 100}%` } }))),
      h("ul", { class: "legend" }, parts.map(([key, name, value]) => h("li", {}, h("span", { class: `dot part-${key}` }), name, h("span", { class: "number" }, milliseconds(value)))))),
    panel({ title: "What it logged", id: "logged" }, later(linesOf({ app, call: id }, signal), (nodes) => nodes)),
    h("div", { class: "columns" },
      panel({ title: "What it used", id: "used" }, facts(
        ["Memory", bytes(row.memory_bytes)],
        ["Statements", count(row.statements)],
        ["Rows", count(row.rows)],
        ["To the database", bytes(row.db_sent_bytes)],
        ["From the database", bytes(row.db_received_bytes)],
        ["HTTP requests", count(row.egress_requests)],
        row.egress_requests > 0 && ["Sent, received", `${bytes(row.egress_sent_bytes)}, ${bytes(row.egress_received_bytes)}`],
        ["Log lines", count(row.log_lines)],
        row.fuel !== null && ["Instructions", count(row.fuel)])),
      panel({ title: "What it was", id: "was" }, facts(
        ["App", h("a", { href: path`/admin/apps/${app}` }, app)],
        ["Release", row.release === null ? "gone: its deploy failed" : h("a", { href: path`/admin/apps/${app}/releases/${row.release}` }, count(row.release))],
        ["Entry", code(row.entry)],
        ["Caller", row.caller ?? "nobody"],
        ["Given", bytes(row.payload_bytes)],
        ["Answered", bytes(row.answer_bytes)],
        ["Id", h("span", { class: "digest" }, code(row.id), copyButton(row.id))]))),
  ];
}
