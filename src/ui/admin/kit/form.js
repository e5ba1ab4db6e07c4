// Forms: labels that belong to their fields, what is wrong said where it is, and one sending
// at a time.

import { fill, h } from "../lib/h.js";
import { button, failure } from "./parts.js";

let counter = 0;

/**
 * A form.
 *
 * Fields have `name`, `label`, and as they need it `type` (an input's, or `select`, `textarea`,
 * `checks`, `toggle`), `hint`, `value`, `required`, `options` (a list of [value, text, hint]), and
 * `attributes`. `act` gets the values by name; what it throws is shown. `ready` says whether the
 * values are enough to send.
 */
export function form({ intro, fields = [], submit, danger, cancel, act, ready = () => true, inline = false, quiet = false }) {
  const controls = fields.map(control);
  const send = button(submit, { submit: true, kind: danger ? "danger" : quiet ? "" : "primary" });
  const problem = h("div", { class: "form-problem" });
  const values = () => Object.fromEntries(controls.map(({ name, read }) => [name, read()]));
  const check = () => {
    send.disabled = !ready(values());
  };
  const self = h("form", {
    class: inline ? "form inline" : "form",
    on: {
      input: check,
      submit: async (event) => {
        event.preventDefault();
        send.disabled = true;
        send.classList.add("working");
        problem.replaceChildren();
        try {
          await act(values(), self);
        } catch (error) {
          fill(problem, failure(error));
        } finally {
          send.classList.remove("working");
          check();
        }
      },
    },
  },
  intro && h("div", { class: "form-intro" }, typeof intro === "string" ? h("p", {}, intro) : intro),
  controls.map(({ element }) => element),
  problem,
  h("div", { class: "actions" }, send, cancel && button("Cancel", { act: cancel })));
  check();
  return self;
}

const READERS = { select: select, textarea: textarea, checks: checks, toggle: toggle };

function control(field) {
  return (READERS[field.type] ?? input)(field, `field-${(counter += 1)}`);
}

function labelled(field, id, inner, { labelFor = id } = {}) {
  return h("div", { class: `field ${field.class ?? ""}` },
    h("label", { for: labelFor }, field.label,
      !field.required && field.optional && h("span", { class: "muted" }, " (optional)")),
    inner,
    field.hint && h("p", { class: "hint", id: `${id}-hint` }, field.hint));
}

const common = (field, id) => ({
  id,
  name: field.name,
  required: field.required,
  "aria-describedby": field.hint ? `${id}-hint` : null,
  ...field.attributes,
});

function input(field, id) {
  const secret = field.type === "password";
  const element = h("input", {
    type: field.type ?? "text",
    value: field.value ?? "",
    autocomplete: field.autocomplete ?? (secret ? "new-password" : "off"),
    autocapitalize: "none",
    spellcheck: "false",
    ...common(field, id),
  });
  return { name: field.name, read: () => element.value, element: labelled(field, id, element) };
}

function textarea(field, id) {
  const element = h("textarea", { rows: field.rows ?? 4, spellcheck: "false", value: field.value ?? "", ...common(field, id) });
  return { name: field.name, read: () => element.value, element: labelled(field, id, element) };
}

function select(field, id) {
  const element = h("select", common(field, id),
    field.options.map(([value, text]) => h("option", { value }, text)));
  element.value = field.value ?? field.options[0]?.[0] ?? "";
  return { name: field.name, read: () => element.value, element: labelled(field, id, element) };
}

function checkbox({ name, text, hint, checked }, id) {
  const element = h("input", { type: "checkbox", id, name, checked: Boolean(checked), "aria-describedby": hint ? `${id}-hint` : null });
  return {
    element,
    row: h("div", { class: "check" }, element,
      h("div", {}, h("label", { for: id }, text), hint && h("p", { class: "hint", id: `${id}-hint` }, hint))),
  };
}

function toggle(field, id) {
  const { element, row } = checkbox({ name: field.name, text: field.label, hint: field.hint, checked: field.value }, id);
  return { name: field.name, read: () => element.checked, element: row };
}

function checks(field, id) {
  const boxes = field.options.map(([value, text, hint], index) =>
    [value, checkbox({ name: `${field.name}.${value}`, text, hint, checked: field.value?.includes(value) }, `${id}-${index}`)]);
  return {
    name: field.name,
    read: () => boxes.filter(([, { element }]) => element.checked).map(([value]) => value),
    element: h("fieldset", { class: "field checks" },
      h("legend", {}, field.label),
      field.hint && h("p", { class: "hint" }, field.hint),
      boxes.map(([, { row }]) => row)),
  };
}
