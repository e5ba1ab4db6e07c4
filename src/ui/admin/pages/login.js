// Logging in. Where one wanted to go is in `next`.

import { api } from "../lib/api.js";
import { h } from "../lib/h.js";
import { go } from "../lib/router.js";
import { load } from "../lib/session.js";
import { form } from "../kit/form.js";

/** Only to pages of ours: `next` may come from anybody. */
function destination(query) {
  const url = new URL(query.get("next") ?? "/admin/", location.origin);
  const page = ["/admin/", "/apps/"].some((folder) => url.pathname.startsWith(folder));
  const ours = url.origin === location.origin && page && url.pathname !== "/admin/login";
  // What stood behind the `#` of an app's page came along by itself.
  return ours ? url.pathname + url.search + location.hash : "/admin/";
}

export default function login({ query }) {
  const { files } = document.body.dataset;
  return h("main", { class: "login", id: "main" },
    h("div", { class: "login-card" },
      h("div", { class: "login-head" },
        h("img", { src: `${files}/icon.svg`, alt: "", width: 40, height: 40 }),
        h("h1", {}, "Log in to Skep")),
      form({
        fields: [
          { name: "username", label: "Username", required: true, autocomplete: "username" },
          { name: "password", label: "Password", type: "password", required: true, autocomplete: "current-password" },
        ],
        submit: "Log in",
        act: async ({ username, password }) => {
          // The token stays in its cookie, out of the reach of scripts.
          await api.post("/api/auth/login", { username, password });
          const next = destination(query);
          if (next.startsWith("/apps/")) {
            location.replace(next);
            return;
          }
          await load();
          await go(next, { replace: true });
        },
      })));
}
