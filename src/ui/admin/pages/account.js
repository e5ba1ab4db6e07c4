// Who is logged in, and their password.

import { api } from "../lib/api.js";
import { at } from "../lib/format.js";
import { h } from "../lib/h.js";
import { current } from "../lib/session.js";
import { form } from "../kit/form.js";
import { code, facts, linkButton, pageHead, panel } from "../kit/parts.js";
import { toast } from "../kit/toast.js";

export default async function account() {
  const me = current();
  return [
    pageHead({ title: me.username, about: "Your account", actions: [linkButton("Your tokens", "/admin/tokens", { image: "tokens" })] }),
    h("div", { class: "columns" },
      panel({ title: "What you may do", id: "may" }, facts(
        ["Roles", me.roles.join(", ") || "none"],
        ["Permissions", h("span", { class: "badges" }, me.permissions.length ? me.permissions.map((permission) => code(permission)) : "only what every user may")],
        ["Session ends", at(me.expires_at)])),
      panel({ title: "Change your password", id: "password", about: "Your other sessions end." }, form({
        fields: [
          { name: "old_password", label: "Old password", type: "password", required: true, autocomplete: "current-password" },
          { name: "new_password", label: "New password", type: "password", required: true },
          { name: "again", label: "New password, once more", type: "password", required: true },
        ],
        submit: "Change it",
        ready: (values) => values.new_password === values.again,
        act: async ({ old_password, new_password }, self) => {
          await api.post("/api/auth/password", { old_password, new_password });
          self.reset();
          toast("Your password is changed");
        },
      }))),
  ];
}
