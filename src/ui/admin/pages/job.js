// One job with its attempts and its result.

import { address, api, path } from "../lib/api.js";
import { h } from "../lib/h.js";
import { mayAny } from "../lib/session.js";
import { live } from "../kit/live.js";
import { badge, code, empty, facts, later, linkButton, pageHead, panel, time } from "../kit/parts.js";
import { table } from "../kit/table.js";
import { jobActs, jobState, unfinished } from "./jobs.js";
import { linesOf } from "./logs.js";

const PRIORITIES = { "-1": "low", 0: "normal", 1: "high" };

export default async function job({ params: { id }, signal }) {
  const ask = () => api.get(path`/api/jobs/${id}`, { signal });
  const first = await ask();
  return [
    pageHead({ title: `Job ${id.slice(-8)}`, back: [["Jobs", "/admin/jobs"], [first.app_name, path`/admin/apps/${first.app_name}`]] }),
    live({ ask, first, signal, goes: unfinished, draw: about }),
    mayAny("skep:logs", "skep:apps", "skep:read") && panel({
      title: "What it logged", id: "logged",
      actions: [linkButton("Follow", address("/admin/logs", { job: id }), { image: "follow", kind: "small" })],
    }, later(linesOf({ job: id }, signal), (nodes) => nodes)),
  ];
}

function about(row) {
  const acts = jobActs(row);
  return h("div", { class: "later" },
    row.error_message && panel({ title: "What went wrong", id: "error" }, h("pre", { class: "block", tabindex: "0" }, row.error_message)),
    panel({ title: "State", id: "state", actions: acts ? [acts] : [] }, facts(
      ["State", jobState(row)],
      ["App", row.app_name],
      ["Queued", time(row.created_at)],
      ["Tried at the earliest", time(row.run_after)],
      ["Ended", time(row.finished_at)],
      ["Priority", PRIORITIES[row.priority] ?? row.priority],
      ["Id", code(row.id)])),
    panel({ title: "Attempts", id: "attempts" }, table({
      label: "Attempts",
      rows: row.attempts,
      none: empty("Not tried yet"),
      columns: [
        { key: "number", title: "Attempt", number: true, cell: (each) => each.number },
        { key: "outcome", title: "Outcome", nowrap: true, cell: (each) => (each.outcome === null ? badge("busy", "Running") : badge(each.outcome === "completed" ? "good" : "bad", each.outcome.replaceAll("_", " "))) },
        { key: "node", title: "Node", cell: (each) => code(each.node) },
        { key: "began", title: "Began", nowrap: true, cell: (each) => time(each.started_at) },
        { key: "ended", title: "Ended", nowrap: true, cell: (each) => time(each.ended_at) },
        { key: "error", title: "Error", wide: true, cell: (each) => (each.error ? h("span", { class: "error-text" }, each.error) : "") },
      ],
    })),
    row.result !== null && panel({ title: "Result", id: "result" }, h("pre", { class: "block tall", tabindex: "0" }, JSON.stringify(row.result, null, 2))));
}
