// One user.

import { api, path } from "../lib/api.js";
import { h } from "../lib/h.js";
import { go, show } from "../lib/router.js";
import { confirm, dialog } from "../kit/dialog.js";
import { form } from "../kit/form.js";
import { badge, button, code, facts, pageHead, panel, time } from "../kit/parts.js";
import { toast } from "../kit/toast.js";
import { roleOptions } from "./users.js";

export default async function user({ params, signal }) {
  const url = path`/admin/api/users/${params.username}`;
  const [about, { roles }] = await Promise.all([api.get(url, { signal }), api.get("/admin/api/roles", { signal })]);
  return [
    pageHead({
      title: about.username,
      back: [["Users", "/admin/users"]],
      about: about.enabled ? badge("good", "Enabled") : badge("plain", "Disabled"),
    }),
    h("div", { class: "columns" },
      panel({ title: "Roles", id: "roles" }, form({
        fields: [{ name: "roles", label: "What they may do is what their roles add up to", type: "checks", value: about.roles, options: roleOptions(roles) }],
        submit: "Save roles",
        act: async (values) => {
          await api.patch(url, values);
          toast("The roles are saved");
          await show();
        },
      })),
      panel({ title: "About", id: "about" }, facts(
        ["May", about.permissions.length ? h("span", { class: "badges" }, about.permissions.map((permission) => code(permission))) : "only what every user may"],
        ["Added", time(about.created_at)],
        ["Changed", time(about.updated_at)]))),
    panel({ title: "Account", id: "account" },
      row("Password", "A new one ends their sessions.", button("Set a new password", { act: () => password(url, about) })),
      about.enabled
        ? row("Disable", "They cannot log in, their sessions end, and their tokens do not work.", button("Disable", { kind: "danger-quiet", act: () => turn(url, about, false) }))
        : row("Enable", "They can log in again.", button("Enable", { act: () => turn(url, about, true) })),
      row("Delete", "Their tokens go too. What they did stays in the audit log.", button("Delete", { kind: "danger", act: () => remove(url, about) }))),
  ];
}

const row = (title, about, action) => h("div", { class: "danger-row" },
  h("div", {}, h("h3", {}, title), h("p", { class: "muted" }, about)), h("div", { class: "actions" }, action));

async function password(url, { username }) {
  const done = await dialog({ title: `A new password for ${username}` }, (close) => form({
    fields: [{ name: "password", label: "New password", type: "password", required: true }],
    submit: "Set it",
    cancel: () => close(),
    act: async (values) => {
      await api.post(`${url}/password`, values);
      close(true);
    },
  }));
  if (done) toast(`${username} has a new password`);
}

async function turn(url, { username }, enabled) {
  const done = await confirm({
    title: enabled ? `Enable ${username}?` : `Disable ${username}?`,
    about: enabled ? "They can log in again." : "Their sessions end at once.",
    action: enabled ? "Enable" : "Disable",
    danger: !enabled,
    act: () => api.patch(url, { enabled }),
  });
  if (!done) return;
  toast(enabled ? `${username} is enabled` : `${username} is disabled`);
  await show();
}

async function remove(url, { username }) {
  const done = await confirm({
    title: `Delete ${username}?`,
    about: "Their tokens go too. What they did stays in the audit log.",
    action: "Delete",
    danger: true,
    typed: username,
    act: () => api.delete(url),
  });
  if (!done) return;
  toast(`${username} was deleted`);
  await go("/admin/users");
}
