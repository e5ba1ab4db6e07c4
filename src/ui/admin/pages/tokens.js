// API tokens: one's own, and for those who manage users everybody's.

import { api, path } from "../lib/api.js";
import { h } from "../lib/h.js";
import { show } from "../lib/router.js";
import { may } from "../lib/session.js";
import { confirm, dialog } from "../kit/dialog.js";
import { form } from "../kit/form.js";
import { badge, button, code, copyButton, empty, notice, pageHead, panel, time } from "../kit/parts.js";
import { table } from "../kit/table.js";
import { toast } from "../kit/toast.js";

const words = (text) => text.split(/[\s,]+/).filter(Boolean);

export default async function tokens({ signal }) {
  const everybodys = may("skep:users");
  const [own, all] = await Promise.all([
    api.get("/api/tokens", { signal }), everybodys ? api.get("/admin/api/tokens", { signal }) : null,
  ]);
  return [
    pageHead({
      title: "Tokens",
      about: "For programs: a token passes on some of its user's permissions.",
      actions: [button("Make a token", { kind: "primary", image: "add", act: make })],
    }),
    panel({ title: "Yours", id: "own" }, list("Your tokens", own.tokens, "/api/tokens")),
    all && panel({ title: "Everybody's", id: "all" }, list("Everybody's tokens", all.tokens, "/admin/api/tokens", true)),
  ];
}

function state(token) {
  if (token.revoked_at) return badge("plain", "Revoked");
  if (token.expires_at && new Date(token.expires_at) < new Date()) return badge("plain", "Expired");
  return badge("good", "Works");
}

const works = (token) => !token.revoked_at && !(token.expires_at && new Date(token.expires_at) < new Date());

function list(label, rows, url, withUser = false) {
  return table({
    label,
    rows,
    none: empty("No tokens", "Make one for each program that calls Skep, with only the permissions that it needs."),
    columns: [
      ...(withUser ? [{ key: "user", title: "User", sort: (token) => token.username, cell: (token) => token.username }] : []),
      { key: "name", title: "For", wide: true, sort: (token) => token.name, cell: (token) => h("span", { class: "strong" }, token.name) },
      { key: "state", title: "State", sort: (token) => (works(token) ? "works" : "over"), cell: state },
      { key: "scopes", title: "Passes on", text: (token) => token.scopes.join(" "), cell: (token) => h("span", { class: "badges" }, token.scopes.map((scope) => code(scope))) },
      { key: "used", title: "Last used", sort: (token) => token.last_used_at ?? "", cell: (token) => (token.last_used_at ? time(token.last_used_at) : h("span", { class: "muted" }, "never")) },
      { key: "expires", title: "Expires", sort: (token) => token.expires_at ?? "9", cell: (token) => (token.expires_at ? time(token.expires_at) : "never") },
      {
        key: "act", title: "Revoke", hiddenTitle: true, nowrap: true,
        cell: (token) => (works(token) ? button("Revoke", { kind: "small danger-quiet", label: `Revoke ${token.name}`, act: () => revoke(token, url) }) : ""),
      },
    ],
  });
}

async function make() {
  const made = await dialog({ title: "Make a token" }, (close) => form({
    fields: [
      { name: "name", label: "What it is for", required: true },
      { name: "scopes", label: "Permissions that it passes on", type: "textarea", rows: 3, value: "apps:call", required: true, hint: "One a line; apps:call to call apps, * for all that you have." },
      { name: "days", label: "Expires", type: "select", value: "90", options: [["30", "in 30 days"], ["90", "in 90 days"], ["366", "in a year"], ["never", "never"]] },
    ],
    submit: "Make it",
    cancel: () => close(),
    act: async ({ name, scopes, days }) => {
      const lasts = days === "never" ? { never_expires: true } : { expires_in_days: Number(days) };
      close(await api.post("/api/tokens", { name, scopes: words(scopes), ...lasts }));
    },
  }));
  if (!made) return;
  await dialog({ title: `The token ${made.name}` }, (close) => [
    notice("warning", h("p", {}, "Copy it now: it is not shown again.")),
    h("p", { class: "secret" }, code(made.token)),
    h("div", { class: "actions" }, copyButton(made.token, "Copy the token"), button("Done", { kind: "primary", act: () => close() })),
  ]);
  await show();
}

async function revoke(token, url) {
  const done = await confirm({
    title: `Revoke the token ${token.name}?`,
    about: `Programs that use it are refused from now on. It is ${token.username}'s.`,
    action: "Revoke",
    danger: true,
    act: () => api.delete(`${url}${path`/${token.id}`}`),
  });
  if (!done) return;
  toast(`The token ${token.name} was revoked`);
  await show();
}
