// Users.

import { api, path } from "../lib/api.js";
import { h } from "../lib/h.js";
import { go } from "../lib/router.js";
import { dialog } from "../kit/dialog.js";
import { form } from "../kit/form.js";
import { badge, button, empty, pageHead, panel, time } from "../kit/parts.js";
import { table } from "../kit/table.js";
import { toast } from "../kit/toast.js";

export default async function users({ signal }) {
  const [{ users: all }, { roles }] = await Promise.all([
    api.get("/admin/api/users", { signal }), api.get("/admin/api/roles", { signal }),
  ]);
  return [
    pageHead({ title: "Users", actions: [button("Add a user", { kind: "primary", image: "add", act: () => add(roles) })] }),
    panel({}, table({
      label: "Users",
      rows: all,
      none: empty("No users"),
      columns: [
        { key: "name", title: "Username", wide: true, sort: (user) => user.username, cell: (user) => h("a", { href: path`/admin/users/${user.username}`, class: "strong" }, user.username) },
        { key: "state", title: "State", sort: (user) => (user.enabled ? "enabled" : "disabled"), cell: (user) => (user.enabled ? badge("good", "Enabled") : badge("plain", "Disabled")) },
        { key: "roles", title: "Roles", sort: (user) => user.roles.join(" "), cell: (user) => user.roles.join(", ") || h("span", { class: "muted" }, "none") },
        { key: "changed", title: "Changed", sort: (user) => user.updated_at, cell: (user) => time(user.updated_at) },
        { key: "made", title: "Added", sort: (user) => user.created_at, cell: (user) => time(user.created_at) },
      ],
    })),
  ];
}

async function add(roles) {
  const username = await dialog({ title: "Add a user" }, (close) => form({
    fields: [
      { name: "username", label: "Username", required: true },
      { name: "password", label: "Password", type: "password", required: true, hint: "Tell it to them; they can change it." },
      { name: "roles", label: "Roles", type: "checks", value: ["user"], options: roleOptions(roles) },
    ],
    submit: "Add",
    cancel: () => close(),
    act: async (values) => {
      await api.post("/admin/api/users", values);
      close(values.username);
    },
  }));
  if (!username) return;
  toast(`${username} was added`);
  await go(path`/admin/users/${username.toLowerCase()}`);
}

export const roleOptions = (roles) => roles.map((role) => [role.name, role.name, role.description || role.permissions.join(", ") || "no permissions"]);
