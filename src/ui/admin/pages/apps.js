// All apps.

import { api, path } from "../lib/api.js";
import { count, short } from "../lib/format.js";
import { h } from "../lib/h.js";
import { remember } from "../lib/router.js";
import { may } from "../lib/session.js";
import { badge, code, empty, linkButton, pageHead, panel, time } from "../kit/parts.js";
import { table } from "../kit/table.js";

const STATES = [["", "All"], ["live", "Live"], ["waiting", "Wait for consent"], ["disabled", "Disabled"]];

const fits = {
  "": () => true,
  live: (app) => app.enabled && app.release !== null,
  waiting: (app) => app.waiting !== null,
  disabled: (app) => !app.enabled,
};

/** Whether there is something for a browser to open now. */
export const hasPage = (app) => app.enabled && app.frontend !== null;

export const pageOf = (app) => path`/apps/${app.name}/`;

/** How an app is, in marks. */
export function appState(app) {
  return h("span", { class: "badges" },
    app.release === null ? badge("plain", "Never live") : app.enabled ? badge("good", "Live") : badge("plain", "Disabled"),
    app.waiting !== null && badge("warning", "Waits for consent"));
}

export default async function apps({ query, signal }) {
  const { apps: all } = await api.get("/admin/api/apps", { signal });
  const place = h("div", {});
  const choose = (state) => {
    remember({ state });
    place.replaceChildren(list(all.filter(fits[state] ?? fits[""]), state));
  };
  const state = query.get("state") ?? "";
  const chooser = h("div", { class: "segments", role: "group", "aria-label": "Which apps" },
    STATES.map(([key, text]) => h("button", {
      type: "button",
      "aria-pressed": String(key === state),
      on: {
        click: (event) => {
          for (const button of chooser.children) button.setAttribute("aria-pressed", String(button === event.currentTarget));
          choose(key);
        },
      },
    }, text, h("span", { class: "segment-count" }, count(all.filter(fits[key]).length)))));
  choose(state);
  return [
    pageHead({
      title: "Apps",
      actions: [
        may("skep:apps") && linkButton("Deploy", "/admin/deploy", { kind: "primary", image: "upload" }),
        linkButton("Write an app", "/admin/write"),
      ],
    }),
    panel({}, all.length > 0 && chooser, place),
  ];
}

function list(rows, state) {
  return table({
    label: "Apps",
    rows,
    none: state
      ? empty("No app is in this state")
      : empty("No apps yet", ["An app is a zip with a manifest and its code. ", code("skep new"), " makes one to begin from."],
        may("skep:apps") && linkButton("Deploy an app", "/admin/deploy", { kind: "primary", image: "upload" })),
    columns: [
      {
        key: "name", title: "App", wide: true, sort: (app) => app.name,
        text: (app) => `${app.name} ${app.display_name} ${app.description}`,
        cell: (app) => h("div", { class: "clip" },
          h("a", { href: `/admin/apps/${encodeURIComponent(app.name)}`, class: "strong" }, app.display_name || app.name),
          h("span", { class: "muted small" }, app.name, app.description ? ` · ${app.description}` : "")),
      },
      { key: "state", title: "State", nowrap: true, cell: appState },
      { key: "release", title: "Release", number: true, sort: (app) => app.release ?? 0, cell: (app) => (app.release === null ? "–" : count(app.release)) },
      { key: "version", title: "Version", sort: (app) => app.version, cell: (app) => app.version },
      { key: "digest", title: "Digest", cell: (app) => code(short(app.digest)) },
      { key: "updated", title: "Changed", sort: (app) => app.updated_at, cell: (app) => time(app.updated_at) },
      {
        key: "open", title: "Open", hiddenTitle: true, nowrap: true,
        cell: (app) => (hasPage(app) ? linkButton("Open", pageOf(app), { kind: "small", image: "open" }) : ""),
      },
    ],
  });
}
