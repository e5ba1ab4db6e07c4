// The interface that these pages use, as /api/openapi.json describes it.

import { fill, h } from "../lib/h.js";
import { badge, code, empty, linkButton, pageHead, panel } from "../kit/parts.js";

const METHODS = ["get", "post", "put", "patch", "delete"];
const MARKS = { get: "busy", post: "good", put: "warning", patch: "warning", delete: "bad" };
/** Schemas within schemas, before one says only its name. */
const DEEPEST = 6;

export default async function apiDocs({ signal }) {
  const document = await (await fetch("/api/openapi.json", { signal })).json();
  const groups = byTag(document);
  const place = h("div", { class: "steps" });
  const draw = (words) => {
    const shown = groups
      .map(([tag, operations]) => [tag, operations.filter((each) => words.every((word) => each.text.includes(word)))])
      .filter(([, operations]) => operations.length > 0);
    fill(place, shown.length === 0
      ? panel({}, empty("Nothing fits"))
      : shown.map(([tag, operations]) => panel({ title: tag, id: `tag-${tag}` },
        h("div", { class: "operations" }, operations.map((each) => operation(each, document))))));
  };
  draw([]);
  return [
    pageHead({
      title: "Interface",
      about: `${document.info.title} ${document.info.version}: what programs may ask for. Send Authorization: Bearer TOKEN; browsers have a cookie.`,
      actions: [linkButton("OpenAPI document", "/api/openapi.json", { download: "skep-openapi.json", image: "open" })],
    }),
    h("div", { class: "filters" }, h("input", {
      type: "search", "aria-label": "Filter the interface", placeholder: "Filter by path or words",
      on: { input: ({ target }) => draw(target.value.toLowerCase().split(/\s+/).filter(Boolean)) },
    })),
    place,
  ];
}

function byTag({ paths }) {
  const groups = new Map();
  for (const [path, item] of Object.entries(paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const about = item[method];
      const tag = about.tags?.[0] ?? "other";
      if (!groups.has(tag)) groups.set(tag, []);
      const text = [method, path, about.summary, about.description].join(" ").toLowerCase();
      groups.get(tag).push({ method, path, about, text });
    }
  }
  return [...groups].sort(([one], [other]) => one.localeCompare(other));
}

function operation({ method, path, about }, document) {
  const parameters = (about.parameters ?? []).map((each) => resolve(each, document));
  const content = Object.entries(about.requestBody?.content ?? {});
  const self = h("details", { class: "operation" },
    h("summary", {}, badge(MARKS[method], method.toUpperCase()), " ", code(path), h("span", { class: "operation-title" }, about.summary)));
  // There are many, and few are looked at.
  self.addEventListener("toggle", () => {
    if (self.children.length > 1) return;
    self.append(h("div", { class: "operation-body" },
      about.description && h("p", { class: "muted" }, about.description),
      parameters.length > 0 && [h("h3", {}, "Parameters"), h("ul", { class: "schema" }, parameters.map((each) =>
        h("li", {}, code(each.name), " ", h("span", { class: "muted" }, `${kind(each.schema ?? {}, document)}, in the ${each.in}${each.required ? "" : ", optional"}`), each.description && h("p", { class: "hint" }, each.description))))],
      content.map(([type, { schema: body }]) => [h("h3", {}, "Body"), h("p", { class: "muted" }, code(type)), schema(body, document)]),
      h("h3", {}, "Answers"),
      h("ul", { class: "schema" }, Object.entries(about.responses).map(([status, given]) => answer(status, resolve(given, document), document)))));
  });
  return self;
}

function answer(status, given, document) {
  const [type, about] = Object.entries(given.content ?? {})[0] ?? [];
  return h("li", {},
    badge(status < "300" ? "good" : status < "400" ? "plain" : "warning", status), " ", given.description,
    type && [h("span", { class: "muted" }, " ", type), about.schema && h("details", {}, h("summary", {}, kind(about.schema, document)), schema(about.schema, document))]);
}

const nameOf = (reference) => reference.split("/").at(-1);

function resolve(part, document) {
  if (!part?.$ref) return part;
  return part.$ref.slice(2).split("/").reduce((place, key) => place?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], document) ?? {};
}

/** A schema in a word. */
function kind(part, document) {
  if (part.$ref) return nameOf(part.$ref);
  const either = part.oneOf ?? part.anyOf;
  if (either) return either.map((each) => kind(each, document)).join(" or ");
  if (part.allOf) return part.allOf.map((each) => kind(each, document)).join(" and ");
  if (part.enum) return part.enum.map((value) => JSON.stringify(value)).join(" | ");
  const types = [part.type ?? "anything"].flat().map((type) => (type === "array" ? `list of ${kind(part.items ?? {}, document)}` : type));
  return types.join(" or ") + (part.format ? ` (${part.format})` : "");
}

/** A schema with what is in it. */
function schema(part, document, depth = 0) {
  const whole = resolve(part, document);
  if (whole.type === "array" && whole.items) return schema(whole.items, document, depth);
  const parts = whole.allOf?.map((each) => resolve(each, document)) ?? [whole];
  const properties = parts.flatMap((each) => Object.entries(each.properties ?? {}).map(([name, about]) => [name, about, each.required?.includes(name)]));
  const either = (whole.oneOf ?? whole.anyOf ?? []).filter((each) => each.type !== "null");
  if (depth > DEEPEST) return null;
  if (properties.length > 0) {
    return h("ul", { class: "schema" }, properties.map(([name, about, required]) =>
      h("li", {}, code(name), " ", h("span", { class: "muted" }, `${kind(about, document)}${required ? "" : ", optional"}`),
        (about.description ?? resolve(about, document).description) && h("p", { class: "hint" }, about.description ?? resolve(about, document).description),
        within(about, document, depth))));
  }
  if (either.length > 0 && either.some((each) => each.$ref || each.properties)) {
    return h("ul", { class: "schema" }, either.map((each) => h("li", {}, h("span", { class: "muted" }, kind(each, document)), schema(each, document, depth + 1))));
  }
  return h("p", { class: "muted" }, kind(whole, document));
}

/** What is in a property, where that is more than a word. */
function within(about, document, depth) {
  const inner = [about, about.items, ...(about.oneOf ?? about.anyOf ?? []), ...(about.allOf ?? [])].filter(Boolean)
    .map((each) => resolve(each, document))
    .find((each) => each.properties || each.allOf);
  return inner ? schema(inner, document, depth + 1) : null;
}
