// One release: what it changed or would change, and the decision about it.

import { api, path } from "../lib/api.js";
import { at, short } from "../lib/format.js";
import { h } from "../lib/h.js";
import { go, show } from "../lib/router.js";
import { may } from "../lib/session.js";
import { dialog } from "../kit/dialog.js";
import { form } from "../kit/form.js";
import { badge, button, code, failure, notice, pageHead, time } from "../kit/parts.js";
import { decision, planView } from "../kit/plan.js";
import { toast } from "../kit/toast.js";

export const releaseState = ({ state, active }) => {
  if (active) return badge("good", "Serves");
  return { ready: badge("plain", "Ready"), waiting: badge("warning", "Waits"), refused: badge("bad", "Refused") }[state]
    ?? badge("plain", state);
};

export default async function release({ params: { app, number }, signal }) {
  const base = path`/admin/api/apps/${app}/releases`;
  const [{ releases }, plan] = await Promise.all([
    api.get(base, { signal }),
    api.get(`${base}${path`/${number}/plan`}`, { signal }),
  ]);
  const row = releases.find((each) => String(each.number) === number);
  return [
    pageHead({
      title: `Release ${number}`,
      back: [["Apps", "/admin/apps"], [app, path`/admin/apps/${app}`]],
      about: [row && releaseState(row), ` Version ${plan.version}`, row && [", by ", row.created_by, " ", time(row.created_at)]],
    }),
    row?.state === "refused" && notice("bad", h("p", { class: "strong" }, `Refused by ${row.decided_by}, ${at(row.decided_at)}`), h("p", {}, row.reason)),
    row?.state === "waiting" && waiting(app, number, plan),
    planView(plan),
  ];
}

function waiting(app, number, plan) {
  if (!may("skep:consent")) {
    return notice("warning", h("p", { class: "strong" }, "It waits for consent"),
      h("p", {}, "Somebody with the permission ", code("skep:consent"), " must decide. What serves goes on serving."));
  }
  const base = path`/admin/api/apps/${app}/releases/${number}`;
  const problem = h("div", {});
  return [
    decision({
      plan,
      mayConsent: true,
      title: "Decide",
      about: ["You consent to exactly this plan, ", code(short(plan.digest)), ". What serves goes on serving until then."],
      action: "Consent and activate",
      act: async (event) => {
        const self = event.currentTarget;
        self.disabled = true;
        self.classList.add("working");
        try {
          await api.post(`${base}/accept`, { digest: plan.digest });
          toast(`Release ${number} of ${app} serves`);
          await go(path`/admin/apps/${app}`);
        } catch (error) {
          problem.replaceChildren(error.code === "other_plan"
            ? notice("warning", h("p", { class: "strong" }, "The plan has changed since you looked at it"), h("p", {}, error.message), h("div", { class: "actions" }, button("Look at the new one", { act: () => show() })))
            : failure(error));
        } finally {
          self.classList.remove("working");
          self.disabled = false;
        }
      },
      others: [button("Refuse", { kind: "danger-quiet", act: () => refuse(app, number, base) })],
    }),
    problem,
  ];
}

async function refuse(app, number, base) {
  const done = await dialog({ title: `Refuse release ${number} of ${app}` }, (close) => form({
    intro: "It never goes live. What serves goes on serving.",
    fields: [{ name: "reason", label: "Why, for the deployer to read", type: "textarea", required: true, attributes: { maxlength: 1000 } }],
    submit: "Refuse",
    danger: true,
    cancel: () => close(),
    ready: ({ reason }) => reason.trim() !== "",
    act: async ({ reason }) => {
      await api.post(`${base}/refuse`, { reason });
      close(true);
    },
  }));
  if (done) {
    toast(`Release ${number} was refused`);
    await show();
  }
}
