// Credentials of an app: set and deleted here, never shown.

import { api, path } from "../lib/api.js";
import { bytes } from "../lib/format.js";
import { h } from "../lib/h.js";
import { show } from "../lib/router.js";
import { confirm, dialog } from "../kit/dialog.js";
import { form } from "../kit/form.js";
import { badge, button, code, empty, later, panel, time } from "../kit/parts.js";
import { table } from "../kit/table.js";
import { toast } from "../kit/toast.js";

export async function credentials({ app, signal }) {
  const { credentials: all } = await api.get(path`/api/apps/${app.name}/credentials`, { signal });
  return [
    panel({
      title: "Credentials",
      id: "credentials",
      about: "They are sealed, and nobody can read them here. The next call of the app sees a change.",
      actions: [button("Set another", { image: "add", act: () => set(app, null) })],
    }, table({
      label: "Credentials",
      rows: all,
      none: empty("No credentials", "The release that serves declares none."),
      columns: [
        { key: "name", title: "Name", wide: true, sort: (row) => row.name, text: (row) => row.description, cell: (row) => h("div", { class: "clip" }, h("span", { class: "strong" }, row.name), h("span", { class: "muted small" }, row.description)) },
        {
          key: "state", title: "State", nowrap: true,
          cell: (row) => h("span", { class: "badges" },
            row.set ? badge("good", "Set") : badge("warning", "Not set"),
            !row.declared ? badge("plain", "Not declared") : !row.granted && badge("warning", "Not granted")),
        },
        { key: "size", title: "Size", number: true, cell: (row) => (row.set ? bytes(row.size) : "–") },
        { key: "set", title: "Changed", text: (row) => row.updated_by, cell: (row) => (row.set ? [row.updated_by, " ", h("span", { class: "muted" }, time(row.updated_at))] : "–") },
        { key: "read", title: "Last read", cell: (row) => (row.last_read_at ? time(row.last_read_at) : h("span", { class: "muted" }, "never")) },
        {
          key: "act", title: "Change", hiddenTitle: true, nowrap: true,
          cell: (row) => h("div", { class: "actions" },
            button(row.set ? "Replace" : "Set", { kind: "small", label: `${row.set ? "Replace" : "Set"} ${row.name}`, act: () => set(app, row) }),
            row.set && button("Delete", { kind: "small danger-quiet", label: `Delete ${row.name}`, act: () => remove(app, row) })),
        },
      ],
    })),
    panel({ title: "Who read them", id: "reads", about: "The last 100 reads, refusals included." },
      later(api.get(path`/api/apps/${app.name}/credential-reads`, { signal }), ({ reads }) => readTable(app, reads))),
  ];
}

const OUTCOMES = { given: ["good", "Given"], undeclared: ["bad", "Not declared"], not_set: ["warning", "Not set"], failed: ["bad", "Failed"] };

function readTable(app, reads) {
  return table({
    label: "Reads",
    rows: reads,
    size: 10,
    none: empty("No reads", "No call of the app has asked for a credential."),
    columns: [
      { key: "at", title: "When", sort: (row) => row.at, cell: (row) => time(row.at) },
      { key: "name", title: "Name", sort: (row) => row.name, wide: true, cell: (row) => row.name },
      { key: "outcome", title: "Outcome", sort: (row) => row.outcome, cell: (row) => badge(...(OUTCOMES[row.outcome] ?? ["plain", row.outcome])) },
      { key: "call", title: "Call", cell: (row) => h("a", { href: path`/admin/calls/${app.name}/${row.call}` }, code(row.call.slice(0, 8))) },
    ],
  });
}

async function set(app, row) {
  const done = await dialog({ title: row ? `${row.set ? "Replace" : "Set"} ${row.name}` : "Set a credential" }, (close) => form({
    fields: [
      ...(row ? [] : [{ name: "name", label: "Name", required: true, hint: "As the app's manifest declares it." }]),
      { name: "secret", label: "Secret", type: "password", required: true, hint: "It is never shown again." },
    ],
    submit: "Set",
    cancel: () => close(),
    act: async ({ name = row?.name, secret }) => {
      await api.putRaw(path`/api/apps/${app.name}/credentials/${name}`, secret);
      close(name);
    },
  }));
  if (!done) return;
  toast(`${done} is set`);
  await show();
}

async function remove(app, row) {
  const done = await confirm({
    title: `Delete ${row.name}?`,
    about: `Calls of ${app.name} that ask for it fail from now on.`,
    action: "Delete",
    danger: true,
    act: () => api.delete(path`/api/apps/${app.name}/credentials/${row.name}`),
  });
  if (!done) return;
  toast(`${row.name} was deleted`);
  await show();
}
