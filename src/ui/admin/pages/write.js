// What to give to a coding assistant that is to write an app.

import { address, api } from "../lib/api.js";
import { h } from "../lib/h.js";
import { remember } from "../lib/router.js";
import { code, copyButton, pageHead, panel } from "../kit/parts.js";

const TEMPLATES = [["python", "Python"], ["dashboard", "Dashboard"], ["job", "Job"], ["javascript", "JavaScript"]];

export default async function write({ query, signal }) {
  const asked = query.get("template");
  const chosen = TEMPLATES.some(([key]) => key === asked) ? asked : "python";
  const load = (template) => api.get(address("/api/prompt", { template }), { signal });
  const place = h("div", {});
  const show = (text) => place.replaceChildren(
    h("div", { class: "actions" }, copyButton(text)),
    h("pre", { class: "block tall", tabindex: "0", "aria-label": "Text for an assistant" }, text));
  const chooser = h("div", { class: "segments", role: "group", "aria-label": "The app at its end" },
    TEMPLATES.map(([key, text]) => h("button", {
      type: "button",
      "aria-pressed": String(key === chosen),
      on: {
        click: async (event) => {
          for (const button of chooser.children) button.setAttribute("aria-pressed", String(button === event.currentTarget));
          remember({ template: key });
          show(await load(key));
        },
      },
    }, text)));
  show(await load(chosen));
  return [
    pageHead({
      title: "Write an app",
      about: "Give this text to a coding assistant, and say what the app is to do. At its end is an app that works, to begin from.",
    }),
    panel({ title: "Text for an assistant", id: "text", about: [code("skep prompt"), " prints the same; ", code("skep new"), " makes the app at its end, and ", code("skep dev"), " runs it."] },
      chooser, place),
  ];
}
