// Deploying: a zip is dropped, its plan is looked at, and it goes live or waits.

import { path, upload } from "../lib/api.js";
import { bytes, count, milliseconds, short } from "../lib/format.js";
import { fill, h } from "../lib/h.js";
import { may } from "../lib/session.js";
import { badge, button, code, facts, failure, linkButton, notice, pageHead, panel } from "../kit/parts.js";
import { decision, planView } from "../kit/plan.js";
import { icon } from "../kit/icon.js";

const STAGES = [
  ["read", "Read"], ["lint", "Check the sources"], ["build", "Build"], ["compile", "Compile"], ["check", "Plan"], ["migrate", "Migrate and load"], ["activate", "Activate"],
];
/** What a plan takes. */
const FORESEEN = STAGES.slice(0, 5);

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

/** Shows how far an upload has come, and each stage of what the server does after it. */
function progress(file, stages) {
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Upload" });
  const words = h("p", { role: "status" }, `Sending ${file.name}, ${bytes(file.size)}`);
  const rows = stages.map(([key, name]) => {
    const mark = h("span", { class: "number muted" });
    return { key, name, mark, row: h("li", { class: "muted" }, h("span", {}, name), h("span", { class: "stage-bar", vars: { part: "0%" } }), mark) };
  });
  const begin = (index) => {
    const next = rows[index];
    if (!next) return;
    next.row.classList.remove("muted");
    fill(next.mark, h("span", { class: "spinner" }));
    fill(words, `${next.name}…`);
  };
  return {
    element: panel({}, h("div", { class: "progress" }, words, bar, h("ol", { class: "stages" }, rows.map(({ row }) => row)))),
    sent(part) {
      bar.value = part;
      if (part < 1) return;
      bar.hidden = true;
      begin(0);
    },
    over({ stage, ms }) {
      const index = rows.findIndex(({ key }) => key === stage);
      if (index < 0) return;
      rows[index].row.querySelector(".stage-bar").style.setProperty("--part", "100%");
      fill(rows[index].mark, milliseconds(ms));
      begin(index + 1);
    },
  };
}

async function send(place, file, { query = "", accept, stages }) {
  const form = new FormData();
  // The digest first: the server reads the form in its order.
  if (accept) form.set("accept", accept);
  form.set("file", file, "app.zip");
  const shown = progress(file, stages);
  fill(place, shown.element);
  return upload(`/admin/api/apps/deploy${query}`, form, { onProgress: shown.sent, onLine: shown.over });
}

const again = (place) => button("Choose another file", { act: () => fill(place, choose(place)) });

async function look(place, file) {
  try {
    const { body } = await send(place, file, { query: "?plan=true", stages: FORESEEN });
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
      stages: STAGES,
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
