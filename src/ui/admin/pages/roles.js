// Roles: named sets of permissions.

import { api, path } from "../lib/api.js";
import { h } from "../lib/h.js";
import { show } from "../lib/router.js";
import { confirm, dialog } from "../kit/dialog.js";
import { form } from "../kit/form.js";
import { badge, button, code, empty, pageHead, panel } from "../kit/parts.js";
import { table } from "../kit/table.js";
import { toast } from "../kit/toast.js";

const words = (text) => text.split(/[\s,]+/).filter(Boolean);

export default async function roles({ signal }) {
  const { roles: all } = await api.get("/admin/api/roles", { signal });
  return [
    pageHead({
      title: "Roles",
      about: "Named sets of permissions. Apps name the ones that they need, such as sales:read.",
      actions: [button("Add a role", { kind: "primary", image: "add", act: () => edit(null) })],
    }),
    panel({}, table({
      label: "Roles",
      rows: all,
      none: empty("No roles"),
      columns: [
        { key: "name", title: "Role", sort: (role) => role.name, cell: (role) => [h("span", { class: "strong" }, role.name), " ", role.built_in && badge("plain", "Built in")] },
        { key: "permissions", title: "Permissions", wide: true, text: (role) => role.permissions.join(" "), cell: (role) => h("span", { class: "badges" }, role.permissions.length ? role.permissions.map((permission) => code(permission)) : h("span", { class: "muted" }, "only what every user may")) },
        { key: "description", title: "Description", text: (role) => role.description, cell: (role) => role.description },
        {
          key: "act", title: "Change", hiddenTitle: true, nowrap: true,
          cell: (role) => h("div", { class: "actions" },
            role.name !== "admin" && button("Change", { kind: "small", label: `Change ${role.name}`, act: () => edit(role) }),
            !role.built_in && button("Delete", { kind: "small danger-quiet", label: `Delete ${role.name}`, act: () => remove(role) })),
        },
      ],
    })),
  ];
}

async function edit(role) {
  const done = await dialog({ title: role ? `Change ${role.name}` : "Add a role" }, (close) => form({
    fields: [
      ...(role ? [] : [{ name: "name", label: "Name", required: true }]),
      { name: "description", label: "Description", optional: true, value: role?.description },
      { name: "permissions", label: "Permissions", type: "textarea", value: role?.permissions.join("\n"), hint: "One a line: resource:verb, such as sales:read or sales:*, or * for everything. Skep's own are skep:apps, skep:consent, skep:users, skep:credentials, skep:audit, skep:read and skep:metrics." },
    ],
    submit: role ? "Save" : "Add",
    cancel: () => close(),
    act: async ({ name, description, permissions }) => {
      const content = { description, permissions: words(permissions) };
      if (role) await api.put(path`/admin/api/roles/${role.name}`, content);
      else await api.post("/admin/api/roles", { name, ...content });
      close(name ?? role.name);
    },
  }));
  if (!done) return;
  toast(`The role ${done} is saved`);
  await show();
}

async function remove(role) {
  const done = await confirm({
    title: `Delete the role ${role.name}?`,
    about: "It works only when nobody holds it.",
    action: "Delete",
    danger: true,
    act: () => api.delete(path`/admin/api/roles/${role.name}`),
  });
  if (!done) return;
  toast(`The role ${role.name} was deleted`);
  await show();
}
