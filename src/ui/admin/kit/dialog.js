// Dialogs: the browser's own, which keeps the focus in and closes with Escape.

import { h } from "../lib/h.js";
import { button } from "./parts.js";
import { form } from "./form.js";

let counter = 0;

/**
 * Opens a dialog. `content` gets a function that closes it, and gives what is in it. What the
 * promise gives is what it was closed with; undefined where it was put away.
 */
export function dialog({ title, wide = false }, content) {
  return new Promise((resolve) => {
    let outcome;
    const id = `dialog-${(counter += 1)}`;
    const self = h("dialog", { "aria-labelledby": id, class: wide ? "wide" : null });
    const close = (value) => {
      outcome = value;
      self.close();
    };
    self.addEventListener("close", () => {
      self.remove();
      resolve(outcome);
    });
    self.append(
      h("div", { class: "dialog-head" },
        h("h2", { id }, title),
        button("", { image: "close", kind: "ghost icon-only", label: "Close", act: () => close() })),
      h("div", { class: "dialog-body" }, content(close)));
    document.body.append(self);
    self.showModal();
    const first = self.querySelector(".dialog-body :is(input, select, textarea)");
    (first ?? self.querySelector(".dialog-body button") ?? self).focus();
  });
}

/**
 * Asks before something is done, and does it. With `typed`, that text must be typed first.
 * True where it was done.
 */
export async function confirm({ title, about, action, danger = false, typed, act }) {
  const done = await dialog({ title }, (close) => form({
    intro: about,
    fields: typed
      ? [{ name: "typed", label: ["To go on, type ", h("strong", {}, typed)], required: true, plain: true }]
      : [],
    submit: action,
    danger,
    cancel: () => close(false),
    ready: (values) => !typed || values.typed === typed,
    act: async () => {
      await act();
      close(true);
    },
  }));
  return done === true;
}
