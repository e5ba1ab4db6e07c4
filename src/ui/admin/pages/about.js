// What this is, and under which licences its parts are.

import { h } from "../lib/h.js";
import { code, empty, later, linkButton, pageHead, panel } from "../kit/parts.js";

async function licences(signal) {
  const response = await fetch("/assets/vendor/LICENSES.txt", { signal });
  return response.ok ? response.text() : null;
}

export default async function about({ signal }) {
  const { info } = await (await fetch("/api/openapi.json", { signal })).json();
  return [
    pageHead({ title: "About", about: `${info.title} ${info.version}. ${info.description}` }),
    panel({
      title: "Interface", id: "interface",
      about: "These pages do nothing that programs cannot do.",
      actions: [linkButton("Look at it", "/admin/api-docs", { image: "interface" })],
    }),
    panel({ title: "Licences", id: "licences", about: ["Libraries that Skep serves to apps' pages. ", code("skep licenses"), " prints the same."] },
      later(licences(signal), (text) => (text
        ? h("pre", { class: "block tall", tabindex: "0", "aria-label": "Licences" }, text)
        : empty("They are not here")))),
  ];
}
