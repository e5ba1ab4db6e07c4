// Makes elements. Text goes in as text: nothing here, and nothing in these pages, can make
// HTML of a string. The content policy (Trusted Types) holds the browser to that too.

// Characters that are not seen, or that turn around what is beside them.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** A text whose unseen characters can be seen. */
export function visible(text) {
  return String(text).replace(UNSEEN, (character) =>
    `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * Makes an element.
 *
 * `props` are attributes, and besides: `on`, an object of listeners; `value`, `checked` and
 * `disabled`, which are set as properties; `vars`, an object of custom properties of CSS. What is
 * null, undefined or false is left out. Children are elements, texts, numbers, or lists of them.
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    set(element, name, value);
  }
  element.append(...nodes(children));
  return element;
}

/** Puts children in place of those that an element has. */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

function set(element, name, value) {
  if (name === "on") {
    for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
  } else if (name === "vars") {
    for (const [key, text] of Object.entries(value)) element.style.setProperty(`--${key}`, text);
  } else if (name === "value" || name === "checked" || name === "disabled" || name === "hidden") {
    element[name] = value;
  } else if (name.startsWith("on") || name === "style" || name === "srcdoc") {
    throw new Error(`h: "${name}" is not set as an attribute`);
  } else if ((name === "href" || name === "src") && !/^(\/(?![/\\])|#)/.test(value)) {
    // Neither another host nor `javascript:`.
    throw new Error(`h: ${name} leads out of here: ${value}`);
  } else {
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

function nodes(children) {
  return children.flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : document.createTextNode(visible(child))));
}
