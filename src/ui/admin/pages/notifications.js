// Notifications: which of them one wants, and those that came.

import { address, api } from "../lib/api.js";
import { plural } from "../lib/format.js";
import { fill, h } from "../lib/h.js";
import { badge, code, empty, pageHead, panel, time } from "../kit/parts.js";
import { table } from "../kit/table.js";
import { attempt } from "../kit/toast.js";

const MARKS = {
  active: null,
  no_permission: ["warning", "You lack the permission now"],
  disabled: ["plain", "The app is disabled"],
  undeclared: ["plain", "The app has it no more"],
};
/** Of what came before the page was opened, and since, so many are shown. */
const MOST = 50;

export default async function notifications({ signal }) {
  const all = [];
  let next = null;
  do {
    const page = await api.get(address("/api/notify/subscriptions", { after: next, limit: 1_000 }), { signal });
    all.push(...page.subscriptions);
    next = page.next;
  } while (next);
  return [
    pageHead({ title: "Notifications", about: "What apps tell you of. They come as short messages on every app’s page, and here." }),
    panel({ title: "Which you want", id: "wanted" }, wanted(all)),
    panel({ title: "What came", id: "came", about: "As far as it is kept: a day, if your operator says nothing else." }, inbox(all, signal)),
  ];
}

function wanted(all) {
  return table({
    label: "Notifications of apps",
    rows: all,
    none: empty("No app has notifications for you", "An app declares them in its manifest."),
    columns: [
      {
        key: "name", title: "Notification", wide: true, sort: (row) => row.display_name || row.action_name,
        text: (row) => `${row.display_name} ${row.action_name} ${row.description ?? ""}`,
        cell: (row) => h("div", { class: "clip" },
          h("span", { class: "strong" }, row.display_name || row.action_name),
          h("span", { class: "muted small" }, row.action_name, row.description ? ` · ${row.description}` : "")),
      },
      { key: "app", title: "App", sort: (row) => row.app_display_name || row.app_name, text: (row) => row.app_name, cell: (row) => row.app_display_name || row.app_name },
      { key: "permission", title: "Requires", sort: (row) => row.required_permission ?? "", cell: (row) => (row.required_permission ? code(row.required_permission) : h("span", { class: "muted" }, "nothing")) },
      { key: "status", title: "State", nowrap: true, cell: (row) => (MARKS[row.status] ? badge(...MARKS[row.status]) : h("span", { class: "muted" }, "–")) },
      { key: "act", title: "Subscribed", nowrap: true, sort: (row) => Number(!row.subscribed), cell: choice },
    ],
  });
}

function choice(row) {
  const name = `${row.display_name || row.action_name} of ${row.app_display_name || row.app_name}`;
  const box = h("input", { type: "checkbox", role: "switch", checked: row.subscribed, "aria-label": `Subscribed to ${name}` });
  box.addEventListener("change", async () => {
    const subscribed = box.checked;
    box.disabled = true;
    const done = await attempt(
      () => api.post("/api/notify/subscribe", { app_name: row.app_name, action_name: row.action_name, subscribed }),
      subscribed ? `You are told of ${name}` : `You are not told of ${name} any more`);
    box.disabled = false;
    if (done) row.subscribed = subscribed;
    else box.checked = row.subscribed;
    box.focus();
  });
  return box;
}

function inbox(all, signal) {
  const list = h("ol", { class: "log", "aria-label": "Notifications that came" });
  const words = h("p", { class: "muted", role: "status" }, "Looking…");
  const draw = () => {
    list.hidden = list.children.length === 0;
    fill(words, list.hidden ? "Nothing has come." : `${plural(list.children.length, "notification")}, newest first`);
  };
  const stream = new EventSource("/api/notify/events?last_id=0");
  let known = 0;
  stream.addEventListener("message", ({ data }) => {
    const frame = JSON.parse(data);
    if (frame.type === "action" && frame.id > known) {
      known = frame.id;
      list.prepend(entry(frame, all));
      if (list.children.length > MOST) list.lastElementChild.remove();
    }
    draw();
  });
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) fill(words, "The server refused to tell what came: load the page again.");
  });
  signal.addEventListener("abort", () => stream.close());
  list.hidden = true;
  return [words, list];
}

function entry(frame, all) {
  const about = all.find((row) => row.app_name === frame.app_name && row.action_name === frame.action_name);
  return h("li", { class: "log-line" },
    h("p", { class: "log-head" },
      time(frame.triggered_at),
      h("span", { class: "strong" }, about?.display_name || frame.action_name),
      h("span", { class: "muted" }, about?.app_display_name || frame.app_name)),
    payloadText(frame.payload));
}

function payloadText(payload) {
  const text = JSON.stringify(payload, null, 1);
  return h("pre", { class: "log-text", tabindex: text.length > 500 ? "0" : null }, text);
}
