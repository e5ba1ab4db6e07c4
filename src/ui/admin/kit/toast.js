// Short words about what has just happened, in a corner. They are read to those who do not see.

import { h } from "../lib/h.js";
import { button } from "./parts.js";
import { icon } from "./icon.js";

const STAYS = 6_000;
const region = h("div", { class: "toasts", role: "status", "aria-live": "polite" });

export function mountToasts() {
  document.body.append(region);
}

/** `kind` is `good`, `bad` or `info`. What went wrong stays until it is closed. */
export function toast(text, kind = "good") {
  const self = h("div", { class: `toast ${kind}` },
    icon({ good: "good", bad: "bad" }[kind] ?? "about"),
    h("p", {}, text),
    button("", { image: "close", kind: "ghost icon-only", label: "Close", act: () => self.remove() }));
  region.append(self);
  if (kind !== "bad") setTimeout(() => self.remove(), STAYS);
}

/** Does something, says that it was done, or why it was not. True where it was. */
export async function attempt(act, done) {
  try {
    await act();
  } catch (error) {
    const request = error.requestId ? ` (request ${error.requestId})` : "";
    toast(`${error.message}${request}`, "bad");
    return false;
  }
  if (done) toast(done);
  return true;
}
