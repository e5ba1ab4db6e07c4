// Jobs: what apps do later, with how far they are.

import { address, api, path } from "../lib/api.js";
import { h } from "../lib/h.js";
import { go, show } from "../lib/router.js";
import { confirm } from "../kit/dialog.js";
import { live } from "../kit/live.js";
import { badge, button, code, empty, pageHead, panel, time } from "../kit/parts.js";
import { table } from "../kit/table.js";
import { attempt } from "../kit/toast.js";

const PAGE = 50;
const STATES = [["", "All"], ["pending", "Waiting"], ["running", "Running"], ["failed", "Failed"], ["completed", "Done"]];
const MARKS = { pending: ["plain", "Waiting"], running: ["busy", "Running"], completed: ["good", "Done"] };
const REASONS = { failed: "Failed", timed_out: "Timed out", cancelled: "Cancelled", lost: "Lost" };

export const unfinished = (job) => job.status === "pending" || job.status === "running";

/** How a job is, in a mark; with its progress while it runs. */
export function jobState(job) {
  if (job.status === "running") {
    return h("div", { class: "job-progress" }, badge("busy", `Running, ${job.progress} %`),
      h("progress", { max: 100, value: job.progress, "aria-label": "Progress" }),
      job.progress_text && h("span", { class: "muted small" }, job.progress_text));
  }
  return badge(...(MARKS[job.status] ?? ["bad", REASONS[job.reason] ?? "Failed"]));
}

/** The buttons that a job has in its state. */
export function jobActs(job) {
  if (unfinished(job)) return button("Cancel", { kind: "small danger-quiet", label: `Cancel job ${job.id}`, act: () => cancel(job) });
  if (job.status === "failed") {
    return button("Try again", {
      kind: "small",
      label: `Try again: job ${job.id}`,
      act: async () => {
        if (await attempt(() => api.post(path`/api/jobs/${job.id}/retry`), "The job waits again")) await show();
      },
    });
  }
  return "";
}

async function cancel(job) {
  const done = await confirm({
    title: "Cancel this job?",
    about: job.status === "running"
      ? `The call of ${job.app_name} is stopped at once. What it has not committed is undone.`
      : `It never starts. It is a job of ${job.app_name}.`,
    action: "Cancel the job",
    danger: true,
    act: () => api.post(path`/api/jobs/${job.id}/cancel`),
  });
  if (done) await show();
}

export default async function jobs({ query, signal }) {
  const wish = { app: query.get("app") ?? "", status: query.get("status") ?? "" };
  const ask = (before) => api.get(address("/api/jobs", { ...wish, limit: PAGE, before }), { signal });
  const [first, { apps }] = await Promise.all([ask(), api.get("/admin/api/apps", { signal })]);
  const select = h("select", { "aria-label": "App", on: { change: () => go(address("/admin/jobs", { ...wish, app: select.value })) } },
    [["", "All apps"], ...apps.map((app) => [app.name, app.name])].map(([value, text]) => h("option", { value }, text)));
  select.value = wish.app;
  return [
    pageHead({ title: "Jobs", about: "Work that apps do later. Any node runs it, and takes over from one that died." }),
    h("div", { class: "filters" },
      h("nav", { class: "segments", "aria-label": "Which jobs" }, STATES.map(([key, text]) =>
        h("a", { href: address("/admin/jobs", { ...wish, status: key }), "aria-current": key === wish.status ? "true" : null }, text))),
      select),
    panel({}, live({
      ask, first, signal,
      goes: () => true,
      draw: ({ jobs: rows }) => list(rows, wish, ask),
    })),
  ];
}

function list(rows, wish, ask) {
  let last = rows.at(-1)?.id;
  return table({
    label: "Jobs",
    rows,
    filter: false,
    hasMore: rows.length === PAGE,
    more: async () => {
      const { jobs: next } = await ask(last);
      last = next.at(-1)?.id;
      return { rows: next, hasMore: next.length === PAGE };
    },
    none: wish.status || wish.app
      ? empty("No such jobs")
      : empty("No jobs", "An app queues them itself, by a schedule, or when it is called with skep call --async."),
    columns: [
      { key: "id", title: "Job", nowrap: true, cell: (job) => h("a", { href: path`/admin/jobs/${job.id}` }, code(job.id.slice(-8))) },
      { key: "app", title: "App", nowrap: true, cell: (job) => h("a", { href: path`/admin/apps/${job.app_name}` }, job.app_name) },
      { key: "state", title: "State", nowrap: true, cell: jobState },
      { key: "attempt", title: "Attempts", number: true, cell: (job) => job.attempt },
      { key: "queued", title: "Queued", nowrap: true, cell: (job) => time(job.created_at) },
      { key: "ended", title: "Ended", nowrap: true, cell: (job) => time(job.finished_at) },
      { key: "error", title: "Error", wide: true, cell: (job) => (job.error_message ? h("div", { class: "clip" }, h("span", { class: "error-text" }, job.error_message)) : "") },
      { key: "act", title: "Change", hiddenTitle: true, nowrap: true, cell: jobActs },
    ],
  });
}
