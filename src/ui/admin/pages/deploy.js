// Deploying: a zip is dropped, its plan is looked at, and it goes live or waits.

import { path, upload } from "../lib/api.js";
import { bytes, count, milliseconds, short } from "../lib/format.js";
import { fill, h } from "../lib/h.js";
import { may } from "../lib/session.js";
import { badge, button, code, facts, failure, linkButton, notice, pageHead, panel } from "../kit/parts.js";
import { decision, planView } from "../kit/plan.js";
import { icon } from "../kit/icon.js";

const STAGES = [
  ["read", "Read"], ["build", "Build"], ["compile", "Compile"], ["check", "Check"], ["migrate", "Migrate and load"], ["activate", "Activate"],
];

export default function deploy() {
  const place = h("div", { class: "steps" });
  fill(place, choose(place));
  return [
    pageHead({ title: "Deploy an app", back: [["Apps", "/admin/apps"]], about: "Nothing changes before you have seen what would." }),
    place,
  ];
}

function choose(place) {
  const input = h("input", { type: "file", id: "bundle", accept: ".zip,application/zip", class: "unseen" });
  const zone = h("label", { class: "drop", for: "bundle" },
    icon("upload"),
    h("span", { class: "strong" }, "Drop the app’s zip here, or choose it"),
    h("span", { class: "muted" }, "manifest.json stands at the top of the zip, not in a folder. ", code("skep deploy FOLDER"), " packs one for you."));
  const take = (file) => file && look(place, file);
  input.addEventListener("change", () => take(input.files[0]));
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    take(event.dataTransfer.files[0]);
  });
  return h("div", { class: "drop-box" }, input, zone);
}

/** Shows how far an upload has come, and what the server does after it. */
function progress(file, after) {
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Upload" });
  const words = h("p", { role: "status" }, `Sending ${file.name}, ${bytes(file.size)}`);
  return {
    element: panel({}, h("div", { class: "progress" }, words, bar)),
    step(part) {
      if (part < 1) bar.value = part;
      else {
        bar.removeAttribute("value");
        fill(words, after);
      }
    },
  };
}

async function send(place, file, { query = "", accept, after }) {
  const form = new FormData();
  // The digest first: the server reads the form in its order.
  if (accept) form.set("accept", accept);
  form.set("file", file, "app.zip");
  const shown = progress(file, after);
  fill(place, shown.element);
  return upload(`/admin/api/apps/deploy${query}`, form, (part) => shown.step(part));
}

const again = (place) => button("Choose another file", { act: () => fill(place, choose(place)) });

async function look(place, file) {
  try {
    const { body } = await send(place, file, { query: "?plan=true", after: "Building it, to see what it would change…" });
    fill(place, decide(place, file, body));
  } catch (error) {
    fill(place, failure(error), h("div", { class: "actions" }, again(place), button("Try the same again", { act: () => look(place, file) })));
  }
}

function decide(place, file, plan) {
  const mayConsent = may("skep:consent");
  const waits = plan.consent && !mayConsent;
  return [
    decision({
      plan,
      mayConsent,
      title: waits ? "It will wait for consent" : plan.consent ? "It asks for your consent" : "It asks for nothing that every app does not have",
      about: waits
        ? "Somebody with the permission skep:consent must look at it. What serves goes on serving."
        : ["You deploy exactly this plan, ", code(short(plan.digest)), "."],
      action: waits ? "Deploy, and let it wait" : plan.consent ? "Consent and deploy" : "Deploy",
      act: () => carryOut(place, file, plan, mayConsent),
      others: [again(place)],
    }),
    planView(plan),
  ];
}

async function carryOut(place, file, plan, mayConsent) {
  try {
    const { body } = await send(place, file, {
      accept: mayConsent ? plan.digest : undefined,
      after: "Building, checking, and bringing up its tables…",
    });
    fill(place, result(place, body));
  } catch (error) {
    if (error.code === "other_plan") {
      fill(place, notice("warning", h("p", { class: "strong" }, "The plan has changed since you looked at it"), h("p", {}, error.message)), decide(place, file, error.plan));
      return;
    }
    fill(place, failure(error), h("p", { class: "muted" }, "Nothing was changed."), h("div", { class: "actions" }, again(place)));
  }
}

function result(place, report) {
  const waits = report.state === "waiting";
  const app = path`/admin/apps/${report.app}`;
  const longest = Math.max(1, ...STAGES.map(([key]) => report.timings[key] ?? 0));
  return [
    waits
      ? notice("warning", h("p", { class: "strong" }, `Release ${report.number} of ${report.app} waits for consent`), h("p", {}, "What serves goes on serving."))
      : notice("good", h("p", { class: "strong" }, `Release ${report.number} of ${report.app} serves`), h("p", {}, `Version ${report.version}.`)),
    report.warnings.length > 0 && panel({ title: "To mend", id: "warnings", about: "None of it keeps the app from running." },
      h("ul", { class: "reach" }, report.warnings.map((warning) => h("li", {}, badge("warning", "Warning"), h("p", {}, warningText(warning)))))),
    panel({ title: "Stages", id: "stages" }, h("ol", { class: "stages" }, STAGES.filter(([key]) => report.timings[key] !== undefined).map(([key, name]) =>
      h("li", {}, h("span", {}, name), h("span", { class: "stage-bar", vars: { part: `${report.timings[key] / longest * 100}%` } }), h("span", { class: "number" }, milliseconds(report.timings[key])))))),
    panel({}, facts(["Release", count(report.number)], ["Digest", code(report.digest)])),
    h("div", { class: "actions" },
      linkButton(waits ? "Look at the release" : "Open the app", waits ? `${app}/releases/${report.number}` : app, { kind: "primary" }),
      again(place)),
  ];
}

const warningText = ({ rule, text }) => [text, " ", code(rule)];
