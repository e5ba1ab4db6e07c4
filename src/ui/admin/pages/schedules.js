// Schedules: what apps have done again and again.

import { api, path } from "../lib/api.js";
import { h } from "../lib/h.js";
import { go, show } from "../lib/router.js";
import { may } from "../lib/session.js";
import { badge, button, code, empty, pageHead, panel, time } from "../kit/parts.js";
import { table } from "../kit/table.js";
import { attempt, toast } from "../kit/toast.js";

const MARKS = { active: ["good", "Active"], paused: ["plain", "Paused"], failing: ["bad", "Failing"] };

export default async function schedules({ signal }) {
  const all = [];
  let next = null;
  do {
    const page = await api.get(next ? `/api/schedules?after=${encodeURIComponent(next)}` : "/api/schedules", { signal });
    all.push(...page.schedules);
    next = page.next;
  } while (next);
  return [
    pageHead({ title: "Schedules", about: "What apps have done again and again. What you say here holds for later releases too." }),
    panel({}, table({
      label: "Schedules",
      rows: all,
      none: empty("No schedules", "Apps declare them in their manifest."),
      columns: [
        {
          key: "name", title: "Schedule", wide: true, sort: (row) => `${row.app} ${row.name}`,
          cell: (row) => h("div", { class: "clip" }, h("span", { class: "strong" }, row.name), h("a", { class: "small", href: path`/admin/apps/${row.app}` }, row.app)),
        },
        { key: "state", title: "State", nowrap: true, sort: (row) => row.state, cell: (row) => badge(...(MARKS[row.state] ?? ["plain", row.state])) },
        { key: "cron", title: "When", text: (row) => `${row.cron} ${row.label}`, cell: (row) => h("div", { class: "clip" }, row.label !== row.cron && h("span", {}, row.label), h("span", { class: "muted small" }, code(row.cron), " ", row.timezone, row.override && " (changed)")) },
        { key: "next", title: "Next", nowrap: true, sort: (row) => row.next_fire_at ?? "9", cell: (row) => (row.next_fire_at ? time(row.next_fire_at) : "–") },
        { key: "last", title: "Last", nowrap: true, sort: (row) => row.last_fire_at ?? "", cell: (row) => (row.last_job ? h("a", { href: path`/admin/jobs/${row.last_job}` }, time(row.last_fire_at)) : "–") },
        { key: "error", title: "Error", text: (row) => row.last_error, cell: (row) => (row.last_error ? h("div", { class: "clip" }, h("span", { class: "error-text" }, row.last_error)) : "") },
        { key: "act", title: "Change", hiddenTitle: true, nowrap: true, cell: acts },
      ],
    })),
  ];
}

function acts(row) {
  if (!may("skep:apps")) return "";
  const base = path`/api/apps/${row.app}/schedules/${row.name}`;
  const paused = row.state === "paused";
  return h("div", { class: "actions" },
    button("Run now", { kind: "small", label: `Run now: ${row.name} of ${row.app}`, act: () => run(base) }),
    button(paused ? "Resume" : "Pause", {
      kind: "small",
      label: `${paused ? "Resume" : "Pause"} ${row.name} of ${row.app}`,
      act: async () => {
        const done = await attempt(() => api.put(`${base}/override`, { paused: !paused }), paused ? `${row.name} is resumed` : `${row.name} is paused`);
        if (done) await show();
      },
    }));
}

async function run(base) {
  let fired;
  if (!(await attempt(async () => { fired = await api.post(`${base}/run`); }))) return;
  if (fired.job) await go(path`/admin/jobs/${fired.job}`);
  else toast("It waits for the end of the job before", "info");
}
