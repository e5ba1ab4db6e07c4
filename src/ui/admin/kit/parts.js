// Small parts that every page is put together of.

import { at, ago } from "../lib/format.js";
import { h } from "../lib/h.js";
import { icon } from "./icon.js";

export function pageHead({ title, about, back, actions = [] }) {
  return h("header", { class: "page-head" },
    h("div", { class: "page-title" },
      back && h("nav", { class: "crumbs", "aria-label": "Where this is" },
        back.map(([text, href]) => [h("a", { href }, text), icon("next")])),
      h("h1", { tabindex: "-1" }, title),
      about && h("p", { class: "muted" }, about)),
    actions.length > 0 && h("div", { class: "actions" }, actions));
}

export function panel({ title, about, actions = [], id }, ...children) {
  const heading = title && h("h2", { id }, title);
  return h("section", { class: "panel", "aria-labelledby": id },
    (title || actions.length > 0) && h("div", { class: "panel-head" },
      h("div", {}, heading, about && h("p", { class: "muted" }, about)),
      actions.length > 0 && h("div", { class: "actions" }, actions)),
    children);
}

/** A mark of how something is: `good`, `warning`, `bad`, `busy` or `plain`. */
export const badge = (kind, text) => h("span", { class: `badge ${kind}` }, text);

export function button(text, { act, kind = "", image, submit = false, label, disabled } = {}) {
  return h("button", {
    type: submit ? "submit" : "button",
    class: `button ${kind}`,
    "aria-label": label,
    disabled,
    on: act ? { click: act } : {},
  }, image && icon(image), text);
}

export const linkButton = (text, href, { kind = "", image, download } = {}) =>
  h("a", { class: `button ${kind}`, href, download }, image && icon(image), text);

/** A time, short, with the whole of it for those who point at it. */
export const time = (text) => (text ? h("time", { datetime: text, title: at(text) }, ago(text)) : "–");

export const code = (text) => h("code", {}, text);

/** Names with their values. */
export const facts = (...pairs) => h("dl", { class: "facts" },
  pairs.filter(Boolean).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));

/** A number that counts. */
export const figure = (name, value, { kind = "", href, note } = {}) =>
  h(href ? "a" : "div", { class: `figure ${kind}`, href },
    h("span", { class: "figure-name" }, name),
    h("span", { class: "figure-value" }, value),
    note && h("span", { class: "figure-note" }, note));

/** Links of which one is where we are. */
export const tabs = (label, items, current) => h("nav", { class: "tabs", "aria-label": label },
  items.map(([key, text, href]) =>
    h("a", { href, "aria-current": key === current ? "page" : null }, text)));

/** Words that stand out: `warning`, `bad`, `good` or `info`. */
export const notice = (kind, ...children) => h("div", { class: `notice ${kind}`, role: kind === "bad" ? "alert" : null },
  icon({ warning: "warning", bad: "bad", good: "good" }[kind] ?? "about"),
  h("div", {}, children));

/** Nothing is there, and what to do about it. */
export const empty = (title, about, ...actions) => h("div", { class: "empty" },
  h("p", { class: "empty-title" }, title),
  about && h("p", { class: "muted" }, about),
  actions.length > 0 && h("div", { class: "actions" }, actions));

export const loading = () => h("div", { class: "loading", role: "status" },
  h("span", { class: "spinner" }), "Loading…");

/** What went wrong, with what to tell whoever looks after the server. */
export function failure(error, retry) {
  const denied = error.status === 403;
  return h("div", { class: "notice bad", role: "alert" }, icon("bad"),
    h("div", {},
      h("p", { class: "strong" }, denied ? "You may not see this" : "This did not work"),
      h("p", {}, error.message),
      error.requestId && h("p", { class: "muted small" }, "Request ", code(error.requestId)),
      retry && !denied && h("div", { class: "actions" }, button("Try again", { act: retry }))));
}

/** An element that is filled when a promise comes to its end. */
export function later(promise, draw, retry) {
  const place = h("div", { class: "later", "aria-busy": "true" }, loading());
  promise.then(draw).then(
    (node) => place.replaceChildren(...[node].flat(Infinity).filter(Boolean)),
    (error) => {
      if (error.name !== "AbortError") place.replaceChildren(failure(error, retry));
    },
  ).finally(() => place.removeAttribute("aria-busy"));
  return place;
}

/** A button that copies a text; none where the browser lets no page copy, as without TLS. */
export function copyButton(text, label = "Copy") {
  if (!navigator.clipboard) return null;
  const self = button(label, {
    image: "copy",
    kind: "small",
    act: async () => {
      await navigator.clipboard.writeText(text);
      self.lastChild.textContent = "Copied";
    },
  });
  return self;
}
