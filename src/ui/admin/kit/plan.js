// What a deploy would change, for people to decide by. An author chose much of what stands
// in it.

import { bytes, count, milliseconds, short } from "../lib/format.js";
import { fill, h } from "../lib/h.js";
import { badge, button, code, copyButton, facts, notice, panel } from "./parts.js";
import { table } from "./table.js";

const LIMITS = [
  ["wall_ms", "Time of a call", milliseconds],
  ["memory_mb", "Memory of a call", (value) => bytes(value * 1_048_576)],
  ["concurrency", "Calls at the same time", count],
  ["statements", "Statements of a call", count],
  ["rows", "Rows of a result", count],
  ["result_mb", "Size of a result", (value) => bytes(value * 1_048_576)],
  ["fuel", "Instructions, where counted", (value) => `${count(value)} million`],
];

/** A grant in words; `about` says what it means for the host. */
export function describe(grant) {
  switch (grant.kind) {
    case "table":
      return [`${grant.access === "write" ? "Read and write" : "Read"} table ${grant.schema}.${grant.table}`, `It belongs to the app ${grant.owner}.`];
    case "egress":
      return [`Send requests to ${grant.origin}`, grant.private ? "Also where that name stands for an address of a private network." : "Only where that name stands for a public address."];
    case "credential": return [`Use the credential ${grant.name}`, "The app can read the secret."];
    case "wall": return [`${milliseconds(grant.ms)} for each call`, "More time than every app has."];
    case "memory": return [`${count(grant.mb)} MiB of memory for each call`, "More memory than every app has."];
    case "concurrency": return [`${count(grant.calls)} calls at the same time`, "More than every app has."];
    case "statements": return [`${count(grant.count)} statements in each call`, "More than every app has."];
    case "rows": return [`${count(grant.count)} rows of each result`, "More than every app has."];
    case "result": return [`${count(grant.mb)} MiB of each result`, "More than every app has."];
    case "fuel": return [`${count(grant.millions)} million instructions for each call`, "More than every app has."];
    default: return [`${grant.kind}: ${JSON.stringify(grant)}`, "This page does not know what that is."];
  }
}

/** Limits beside those of before. */
export function limitsTable(after, before, beforeTitle) {
  return table({
    label: "Limits of a call",
    rows: LIMITS.filter(([key]) => after[key] !== undefined),
    filter: false,
    columns: [
      { key: "name", title: "Limit", wide: true, cell: ([, name]) => name },
      { key: "after", title: "Value", number: true, cell: ([key, , show]) => show(after[key]) },
      ...(before ? [{
        key: "before", title: beforeTitle, number: true,
        cell: ([key, , show]) => h("span", { class: "muted" }, before[key] === after[key] ? "the same" : show(before[key])),
      }] : []),
    ],
  });
}

/** What consent is needed for: a key, a title and what it means, of each. */
function asked(plan) {
  const grants = plan.grants.added.map((grant, index) => [`grant-${index}`, ...describe(grant)]);
  const frontend = plan.frontend.after && plan.frontend.after !== plan.frontend.before
    ? [["frontend", "Run its pages in browsers", `With the rights of whoever opens them. Content ${short(plan.frontend.after)}, ${plan.frontend.before ? "changed" : "new"}.`]]
    : [];
  return [...grants, ...frontend];
}

/**
 * Everything that needs consent, each with a tick. `onChange` hears whether all are ticked.
 */
export function consentList(plan, onChange) {
  const items = asked(plan);
  const boxes = items.map(([key, title, about]) => {
    const input = h("input", { type: "checkbox", id: `consent-${key}`, "aria-describedby": `consent-${key}-about` });
    return { input, row: h("li", { class: "check consent" }, input,
      h("div", {}, h("label", { for: `consent-${key}` }, title), h("p", { class: "hint", id: `consent-${key}-about` }, about))) };
  });
  const self = h("ul", { class: "consents", on: { change: () => onChange(boxes.every(({ input }) => input.checked)) } },
    boxes.map(({ row }) => row));
  onChange(boxes.length === 0);
  return boxes.length > 0 ? self : null;
}

/** The plan, without what is decided. */
export function planView(plan) {
  const statements = [...plan.tables, ...plan.statements.listed];
  const refused = statements.filter((statement) => statement.refused);
  return [
    panel({ title: "What it is", id: "plan-what" }, facts(
      ["App", plan.app],
      ["Version", plan.active ? `${plan.active.version} → ${plan.version}` : plan.version],
      ["Replaces", plan.active ? `release ${plan.active.release}` : "nothing: no release served before"],
      ["Called by", callers(plan.required_permission)],
      ["Backend", plan.prebuilt ? "a component that came with it" : "built from its sources"],
      ["Pages", plan.frontend.after ? (plan.frontend.after === plan.frontend.before ? "unchanged" : plan.frontend.before ? "changed" : "new") : "none"],
      ["Bundle", digest(plan.bundle)],
      ["Plan", digest(plan.digest)])),
    refused.length > 0 && notice("warning", h("p", { class: "strong" }, "Some statements will be refused whenever they are sent"),
      h("ul", {}, refused.map((statement) => h("li", {}, code(statement.place), ` ${statement.refused}`)))),
    // Plans of older releases have none.
    plan.warnings?.length > 0 && panel({
      title: "To mend", id: "plan-mend", about: "What was found in its sources. None of it keeps the app from running.",
    }, h("ul", { class: "reach" }, plan.warnings.map(({ place, text, fix, rule }) =>
      h("li", {}, badge("warning", "Warning"), h("div", {}, h("p", {}, code(place), ` ${text} `, code(rule)), h("p", { class: "hint" }, fix)))))),
    panel({ title: "Reach", id: "plan-reach", about: "What it may do beyond what every app may, and what it does by itself." }, reach(plan)),
    panel({ title: "Limits", id: "plan-limits" }, limitsTable(plan.limits.after, plan.limits.before, plan.active ? "Before" : "Where nothing is asked for")),
    (statements.length > 0 || plan.statements.built.length > 0) && panel({
      title: "SQL", id: "plan-sql", about: "The statements that stand in its sources.",
    }, statementTable(statements, plan.statements)),
  ];
}

const digest = (text) => h("span", { class: "digest" }, code(text), copyButton(text, "Copy"));

function callers({ before, after }) {
  const name = (permission) => (permission ? code(permission) : "every user");
  return before === after || (!before && !after) ? name(after) : h("span", {}, name(after), " (was ", name(before), ")");
}

function reach(plan) {
  const marks = { added: ["warning", "New"], kept: ["plain", "Kept"], dropped: ["plain", "Dropped"] };
  const rows = Object.entries(marks).flatMap(([key, mark]) => plan.grants[key].map((grant) => [mark, ...describe(grant)]));
  const names = Object.entries(marks).flatMap(([key, [, text]]) => [
    ...plan.notifications[key].map((name) => [["plain", text], `Notification ${name}`, "Users may subscribe to it."]),
    // Plans of older releases have none.
    ...(plan.schedules?.[key] ?? []).map((name) => [["plain", text], `Schedule ${name}`, "It queues a job of the app each time."]),
  ]);
  const all = [...rows, ...names];
  if (all.length === 0) return h("p", { class: "muted" }, "Nothing: it has its own tables, log, settings, jobs and the limits below.");
  return h("ul", { class: "reach" }, all.map(([[kind, text], title, about]) =>
    h("li", {}, badge(kind, text), h("div", {}, h("p", {}, title), h("p", { class: "hint" }, about)))));
}

function statementTable(rows, { more, built }) {
  return [
    table({
      label: "Statements",
      rows,
      none: h("p", { class: "muted" }, "None that stand there in one piece."),
      columns: [
        { key: "place", title: "Where", sort: (row) => row.place, cell: (row) => code(row.place) },
        { key: "kind", title: "Statement", sort: (row) => row.kind, cell: (row) => row.kind },
        {
          key: "tables", title: "Tables", wide: true, text: (row) => touched(row).join(" "),
          cell: (row) => (row.refused ? badge("bad", "Refused") : touched(row).join(", ") || "–"),
        },
        { key: "new", title: "New", cell: (row) => (row.new ? badge("plain", "New") : "") },
      ],
    }),
    more > 0 && h("p", { class: "muted" }, `And ${count(more)} more.`),
    built.length > 0 && h("p", { class: "muted" }, "Put together when they run, so that nobody can say what they do: ",
      built.map((place, index) => [index > 0 && ", ", code(place)])),
  ];
}

const touched = (row) => [
  ...row.reads.map((name) => `reads ${name}`), ...row.writes.map((name) => `writes ${name}`),
  ...row.creates.map((name) => `creates ${name}`), ...row.alters.map((name) => `alters ${name}`),
  ...row.drops.map((name) => `drops ${name}`),
];

/**
 * A plan with what is decided about it. `acts` gets the button that goes on, which is free once
 * everything is ticked, and gives what stands beside it.
 */
export function decision({ plan, mayConsent, title, about, action, act, others = [] }) {
  const go = button(action, { kind: "primary", act });
  const list = mayConsent ? consentList(plan, (all) => {
    go.disabled = !all;
  }) : null;
  const place = h("div", {});
  fill(place, panel({ title, about, id: "decide" },
    list,
    h("div", { class: "actions" }, go, others)));
  return place;
}
