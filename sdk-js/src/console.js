// `console`: lines of the app's log.

import { text } from "./failure.js";

const LEVELS = { debug: "debug", log: "info", info: "info", dir: "info", warn: "warn", error: "error" };

/** Makes the methods of `console` that write lines by `write(level, message)`. */
export function methods(write) {
  const made = {};
  for (const [method, level] of Object.entries(LEVELS)) {
    made[method] = (...values) => write(level, format(values));
  }
  made.trace = (...values) => write("debug", format([...values, new Error("trace").stack]));
  made.assert = (holds, ...values) => {
    if (!holds) write("error", format(["assertion failed", ...values]));
  };
  return made;
}

/** Values as one text, with a space between. */
export function format(values) {
  return values.map(shown).join(" ");
}

function shown(value) {
  if (value instanceof Error) return `${text(value)}\n${value.stack ?? ""}`.trimEnd();
  if (typeof value !== "object" || value === null) return text(value);
  try {
    return JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}n` : part));
  } catch {
    return text(value);
  }
}
