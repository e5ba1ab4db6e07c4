// The audit log: who did what, and whether the log is whole.

import { address, api } from "../lib/api.js";
import { at, count, short } from "../lib/format.js";
import { h } from "../lib/h.js";
import { go } from "../lib/router.js";
import { form } from "../kit/form.js";
import { button, code, copyButton, empty, facts, later, linkButton, notice, pageHead, panel, time } from "../kit/parts.js";
import { table } from "../kit/table.js";

const PAGE = 50;

export default async function audit({ query, signal }) {
  const wish = { actor: query.get("actor") ?? "", app: query.get("app") ?? "", since: query.get("since") ?? "" };
  const page = (before) => api.get(address("/api/audit", {
    ...wish, since: wish.since && new Date(`${wish.since}T00:00:00`).toISOString(), limit: PAGE, before,
  }), { signal });
  const first = await page();
  const verdict = h("div", {});
  return [
    pageHead({
      title: "Audit",
      about: "Who did what. Each entry holds the hash of the one before.",
      actions: [
        button("Verify", { image: "roles", act: () => verdict.replaceChildren(later(api.get("/api/audit/verify"), shown)) }),
        linkButton("Export", "/api/audit/export", { download: "audit.jsonl" }),
      ],
    }),
    verdict,
    panel({}, h("div", { class: "filters" }, form({
      inline: true,
      quiet: true,
      submit: "Filter",
      fields: [
        { name: "actor", label: "Done by", value: wish.actor },
        { name: "app", label: "App", value: wish.app },
        { name: "since", label: "Since", type: "date", value: wish.since },
      ],
      act: (values) => go(address("/admin/audit", values)),
    })), entries(first.entries, page)),
  ];
}

function shown({ whole, anchor, good, broken }) {
  return notice(whole ? "good" : "bad",
    h("p", { class: "strong" }, whole ? "The log is whole" : `The log is broken at entry ${broken.seq}`),
    h("p", {}, whole
      ? `All entries${anchor.seq ? ` after ${count(anchor.seq)}, where it was cut,` : ""} up to ${count(good.seq)} are as they were written.`
      : broken.reason),
    h("p", { class: "muted small" }, "Note this elsewhere: nothing else shows that the end of the log was cut off."),
    h("p", { class: "digest" }, code(`${good.seq}:${good.hash}`), copyButton(`${good.seq}:${good.hash}`)));
}

function entries(rows, page) {
  const more = (list) => list.length === PAGE;
  let last = rows.at(-1)?.seq;
  return table({
    label: "Entries",
    rows,
    filter: false,
    hasMore: more(rows),
    more: async () => {
      const answer = await page(last);
      last = answer.entries.at(-1)?.seq ?? last;
      return { rows: answer.entries, hasMore: more(answer.entries) };
    },
    none: empty("No entries", "Nothing in the log fits."),
    columns: [
      { key: "seq", title: "No.", number: true, cell: (entry) => count(entry.seq) },
      { key: "at", title: "When", nowrap: true, cell: (entry) => time(entry.at) },
      { key: "actor", title: "Done by", cell: (entry) => h("span", { class: "strong" }, entry.actor) },
      { key: "action", title: "Action", nowrap: true, cell: (entry) => code(entry.action) },
      { key: "subject", title: "Subject", cell: (entry) => [h("span", { class: "muted" }, entry.subject_kind), " ", brief(entry.subject)] },
      {
        key: "details", title: "Details", wide: true,
        cell: (entry) => h("details", {}, h("summary", {}, summary(entry.details)),
          h("pre", { class: "block", tabindex: "0" }, JSON.stringify(entry.details, null, 2)),
          facts(["When", at(entry.at)], ["Subject", entry.subject], ["Hash", code(entry.hash)], ["Before", code(entry.previous)])),
      },
    ],
  });
}

/** The beginning of an id or a digest; the whole is among the details. */
function brief(text) {
  if (/^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(text)) return `${text.slice(0, 8)}…`;
  return /^[0-9a-f]{64}$/.test(text) ? `${short(text)}…` : text;
}

function summary(details) {
  const parts = Object.entries(details ?? {})
    .filter(([, value]) => value !== null && value !== "" && !(Array.isArray(value) && value.length === 0))
    .map(([key, value]) => `${key} ${typeof value === "string" ? brief(value) : JSON.stringify(value)}`);
  const text = parts.join(", ");
  return text.length > 80 ? `${text.slice(0, 80)}…` : text || "more";
}
