// What apps have logged: searched, and followed as it comes.

import { address, api, path } from "../lib/api.js";
import { at, count, plural } from "../lib/format.js";
import { fill, h } from "../lib/h.js";
import { go } from "../lib/router.js";
import { form } from "../kit/form.js";
import { badge, button, code, empty, pageHead, panel } from "../kit/parts.js";
import { attempt } from "../kit/toast.js";

const LEVELS = [["", "All levels"], ["info", "Info and above"], ["warn", "Warnings and errors"], ["error", "Errors"]];
const SOURCES = [["", "All sources"], ["log", "Log"], ["stdout", "Printed"], ["stderr", "Printed as error"], ["failure", "Failures"], ["host", "Skep itself"]];
const MARKS = { debug: "plain", info: "busy", warn: "warning", error: "bad" };
const PAGE = 100;
/** Lines that are shown while following; older ones go. */
const MOST = 500;

export default async function logs({ query, signal }) {
  const wish = Object.fromEntries(["app", "level", "source", "q", "call", "job"].map((key) => [key, query.get(key) ?? ""]));
  const page = (before) => api.get(address("/api/logs", { ...wish, before, limit: PAGE }), { signal });
  const [first, { apps }] = await Promise.all([page(), api.get("/admin/api/apps", { signal })]);
  const narrowed = Object.values(wish).some(Boolean);
  return [
    pageHead({ title: "Logs", about: "What apps print and log, of all nodes, with the call or job that it is from." }),
    panel({}, search(wish, apps)),
    lines({ first, page, wish, narrowed, signal }),
  ];
}

function search(wish, apps) {
  return form({
    inline: true,
    quiet: true,
    submit: "Search",
    fields: [
      { name: "app", label: "App", type: "select", value: wish.app, options: [["", "All apps"], ...apps.map((app) => [app.name, app.name])] },
      { name: "level", label: "Level", type: "select", value: wish.level, options: LEVELS },
      { name: "source", label: "Source", type: "select", value: wish.source, options: SOURCES },
      { name: "q", label: "Text", type: "search", value: wish.q, attributes: { placeholder: "as it was written" } },
    ],
    act: (values) => go(address("/admin/logs", { ...values, call: wish.call, job: wish.job })),
  });
}

function lines({ first, page, wish, narrowed, signal }) {
  const list = h("ol", { class: "log", "aria-label": "Lines" });
  const foot = h("div", { class: "table-foot" });
  const state = h("span", { class: "muted", role: "status" });
  let { next } = first;
  let stream = null;

  const none = () => narrowed
    ? empty("No line fits", "Lines are kept for as long as the retention says.", button("Show all", { act: () => go("/admin/logs") }))
    : empty("Nothing logged yet", "What an app prints, or logs with Python’s logging, comes here.");
  const draw = () => {
    list.hidden = list.children.length === 0;
    fill(foot, list.hidden ? none() : [h("span", { class: "muted" }, `${plural(list.children.length, "line")}${next ? " so far" : ""}`), next && more()]);
  };
  const more = () => button("Show older", {
    kind: "small",
    act: () => attempt(async () => {
      const answer = await page(next);
      next = answer.next;
      list.append(...answer.lines.map(row));
      draw();
    }),
  });

  // Each line once: a stream that comes back may bring some again.
  let newest = first.newest;
  const follow = () => {
    const { app, level, source, q, call, job } = wish;
    stream = new EventSource(address("/api/logs/follow", { app, level, source, q, call, job, after: newest }));
    stream.addEventListener("open", () => fill(state, "Following"));
    stream.addEventListener("error", () => fill(state, stream.readyState === EventSource.CLOSED ? "The server refused" : "Connecting again…"));
    stream.addEventListener("message", ({ data }) => {
      const line = JSON.parse(data);
      if (line.id <= newest) return;
      newest = line.id;
      list.prepend(row(line));
      while (list.children.length > MOST) {
        list.lastElementChild.remove();
        next = null;
      }
      draw();
    });
  };
  const stop = () => {
    stream?.close();
    stream = null;
    fill(state);
  };
  const toggle = button("Follow", {
    image: "follow",
    kind: "small",
    act: () => {
      if (stream) stop();
      else follow();
      toggle.setAttribute("aria-pressed", String(stream !== null));
      toggle.lastChild.textContent = stream ? "Stop following" : "Follow";
    },
  });
  toggle.setAttribute("aria-pressed", "false");
  signal.addEventListener("abort", stop);

  list.append(...first.lines.map(row));
  draw();
  const of = wish.call ? ["Of the call ", code(wish.call)] : wish.job ? ["Of the job ", code(wish.job)] : null;
  return panel({ title: "Lines", id: "lines", about: of, actions: [state, toggle] }, list, foot);
}

function row(line) {
  const from = line.job
    ? h("a", { href: path`/admin/jobs/${line.job}` }, `job, attempt ${count(line.attempt)}`)
    : h("a", { href: path`/admin/calls/${line.app}/${line.call}` }, "call");
  return h("li", { class: `log-line ${line.level}` },
    h("p", { class: "log-head" },
      badge(MARKS[line.level] ?? "plain", line.level),
      h("time", { datetime: line.at, title: at(line.at) }, clock(line.at)),
      h("a", { href: path`/admin/apps/${line.app}`, class: "strong" }, line.app),
      h("span", { class: "muted" }, line.source, " · ", from)),
    h("pre", { class: "log-text", tabindex: line.message.length > 500 ? "0" : null }, line.message),
    line.detail !== null && h("details", {}, h("summary", {}, "Detail"), h("pre", { class: "block", tabindex: "0" }, JSON.stringify(line.detail, null, 2))));
}

const exact = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
const date = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** To the millisecond; with the day, where that is not today. */
function clock(text) {
  const when = new Date(text);
  const today = when.toDateString() === new Date().toDateString();
  return today ? exact.format(when) : `${date.format(when)} ${exact.format(when)}`;
}

/** The lines of one call or job, for its page. */
export async function linesOf(query, signal) {
  const { lines: found, next } = await api.get(address("/api/logs", { ...query, limit: PAGE }), { signal });
  if (found.length === 0) return h("p", { class: "muted" }, "It logged nothing, or its lines are not kept any more.");
  return [
    h("ol", { class: "log", "aria-label": "Lines" }, found.reverse().map(row)),
    next && h("p", { class: "muted" }, `These are the last ${count(PAGE)}. `, h("a", { href: address("/admin/logs", query) }, "All of them")),
  ];
}

