// The settings that an app declares, each with a field of its type.

import { api, path } from "../lib/api.js";
import { h } from "../lib/h.js";
import { form } from "../kit/form.js";
import { badge, button, code, empty, notice, panel, time } from "../kit/parts.js";
import { attempt, toast } from "../kit/toast.js";

export async function settings({ app, signal }) {
  const { settings: all } = app.release === null ? { settings: [] } : await api.get(path`/api/apps/${app.name}/settings`, { signal });
  return panel({ title: "Settings", id: "settings", about: "The next call of the app sees a change." },
    all.length === 0
      ? empty("No settings", "The release that serves declares none.")
      : h("div", { class: "settings" }, all.map((setting) => one(app, setting))));
}

function one(app, setting) {
  const url = path`/api/apps/${app.name}/settings/${setting.key}`;
  const { field, parse } = control(setting);
  const hint = [setting.description, bounds(setting), setting.default !== null && `Default: ${text(setting.default)}.`].filter(Boolean).join(" ");
  // The other settings stay as they are: somebody may be about to change them.
  const redraw = (changed) => {
    const next = one(app, changed);
    self.replaceWith(next);
    next.querySelector("button").focus();
  };
  const self = h("div", { class: "setting" },
    form({
      fields: [{ ...field, name: "value", label: setting.label || setting.key, hint: hint || null }],
      submit: "Save",
      quiet: true,
      inline: true,
      ready: ({ value }) => setting.type !== "select" || value !== "",
      act: async ({ value }) => {
        redraw(await api.put(url, { value: parse(value) }));
        toast(`${setting.label || setting.key} is saved`);
      },
    }),
    setting.unfit && notice("warning", h("p", {}, setting.unfit)),
    h("p", { class: "setting-foot muted small" },
      code(setting.key), " ",
      setting.set ? ["set by ", setting.updated_by ?? "the app itself", " ", time(setting.updated_at), " "] : [badge("plain", setting.default === null ? "Not set" : "Default"), " "],
      setting.required && !setting.set && setting.default === null && badge("warning", "Needs a value"),
      setting.set && button("Use the default", {
        kind: "small ghost",
        label: `Use the default of ${setting.key}`,
        act: async () => {
          await attempt(async () => {
            await api.delete(url);
            redraw(await api.get(url));
          }, "The default counts again");
        },
      })));
  return self;
}

const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));

function bounds({ bounds: { min, max, schemes, accept } = {} }) {
  const words = [];
  if (min !== undefined && min !== null) words.push(`From ${min}.`);
  if (max !== undefined && max !== null) words.push(`Up to ${max}.`);
  if (schemes?.length) words.push(`Begins with ${schemes.join(" or ")}.`);
  if (accept?.length) words.push(`Takes ${[].concat(accept).join(", ")}.`);
  return words.join(" ");
}

/** The field of a type, and what turns its value into JSON. */
function control({ type, value, bounds: limits = {} }) {
  const whole = (given) => (given === "" ? null : Number(given));
  switch (type) {
    case "toggle":
      return { field: { type: "toggle", value: value === true }, parse: (given) => given };
    case "number":
      return { field: { type: "number", value: value ?? "", attributes: { step: "any", min: limits.min, max: limits.max } }, parse: whole };
    case "port":
      return { field: { type: "number", value: value ?? "", attributes: { step: 1, min: 1, max: 65_535 } }, parse: whole };
    case "select":
      return { field: { type: "select", value: value ?? "", options: [...(value === null ? [["", "–"]] : []), ...(limits.options ?? []).map(option)] }, parse: (given) => given };
    case "file":
      return { field: { type: "textarea", value: value ?? "" }, parse: (given) => given };
    default:
      return { field: { type: "text", value: value === null ? "" : text(value) }, parse: (given) => given };
  }
}

const option = ({ value, label }) => [value, label];
