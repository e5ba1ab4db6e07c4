// What an app was granted, and how much of it it uses.

import { address, api, path } from "../lib/api.js";
import { count } from "../lib/format.js";
import { h } from "../lib/h.js";
import { show } from "../lib/router.js";
import { may } from "../lib/session.js";
import { confirm } from "../kit/dialog.js";
import { badge, button, code, empty, panel, time } from "../kit/parts.js";
import { describe } from "../kit/plan.js";
import { table } from "../kit/table.js";
import { toast } from "../kit/toast.js";

export async function grants({ app, signal }) {
  const { grants: all } = await api.get(path`/admin/api/apps/${app.name}/grants`, { signal });
  const idle = all.filter((row) => row.idle).length;
  return panel({
    title: "Grants",
    id: "grants",
    about: idle ? `${count(idle)} of them could be withdrawn.` : "What somebody consented to, beyond what every app has.",
  }, table({
    label: "Grants",
    rows: all,
    none: empty("No grants", "The app reaches nothing beyond its own tables, log and settings."),
    columns: [
      {
        key: "grant", title: "Grant", wide: true, sort: (row) => row.key, text: (row) => row.text,
        cell: (row) => h("div", { class: "clip" }, h("span", { class: "strong" }, describe(row.grant)[0]), h("span", { class: "muted small" }, code(row.key))),
      },
      { key: "state", title: "State", nowrap: true, cell: (row) => (row.active ? badge("good", "Active") : badge("plain", "Earlier releases only")) },
      { key: "uses", title: "Used", number: true, sort: (row) => row.uses ?? -1, cell: (row) => (row.uses === null ? h("span", { class: "muted" }, "not counted") : count(row.uses)) },
      { key: "last", title: "Last", sort: (row) => row.last_used ?? "", cell: (row) => (row.last_used ? time(row.last_used) : h("span", { class: "muted" }, "never seen")) },
      { key: "by", title: "Accepted", text: (row) => row.accepted_by, cell: (row) => [row.accepted_by, " ", h("span", { class: "muted" }, time(row.accepted_at))] },
      { key: "idle", title: "Could go", text: (row) => row.idle, cell: (row) => (row.idle ? badge("warning", row.idle) : "") },
      {
        key: "act", title: "Withdraw", hiddenTitle: true, nowrap: true,
        cell: (row) => (may("skep:consent") ? button("Withdraw", { kind: "small danger-quiet", label: `Withdraw ${row.key}`, act: () => withdraw(app, row) }) : ""),
      },
    ],
  }));
}

async function withdraw(app, row) {
  const done = await confirm({
    title: "Withdraw this grant?",
    about: h("div", {}, h("p", {}, h("strong", {}, describe(row.grant)[0]), ` is taken from ${app.name} at once, on all nodes. Calls that need it fail from now on.`)),
    action: "Withdraw",
    danger: true,
    act: () => api.delete(address(path`/admin/api/apps/${app.name}/grants`, { key: row.key })),
  });
  if (!done) return;
  toast("The grant was withdrawn");
  await show();
}
