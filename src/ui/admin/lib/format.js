// Numbers, times and sizes as people read them.

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const fine = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

// Each unit with its length, and from how many of them on it is used.
const UNITS = [["year", 31_536_000, 2], ["month", 2_592_000, 4], ["day", 86_400, 1], ["hour", 3_600, 1], ["minute", 60, 1]];

export const count = (value) => (value === null || value === undefined ? "–" : number.format(value));

export function milliseconds(value) {
  if (value === null || value === undefined) return "–";
  if (value >= 1_000) return `${fine.format(value / 1_000)} s`;
  return value >= 100 ? `${Math.round(value)} ms` : `${number.format(value)} ms`;
}

export function bytes(value) {
  if (value === null || value === undefined) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let size = value;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${number.format(size)} ${units[unit]}`;
}

/** How long ago, in words. */
export function ago(text) {
  const seconds = (new Date(text) - Date.now()) / 1_000;
  for (const [unit, length, least] of UNITS) {
    if (Math.abs(seconds) >= length * least) return relative.format(Math.round(seconds / length), unit);
  }
  return seconds > 5 ? "in a moment" : "just now";
}

/** A time in full, in the reader's zone. */
export const at = (text) => (text ? day.format(new Date(text)) : "–");

export const short = (digest) => String(digest).slice(0, 12);

export const plural = (amount, one, many = `${one}s`) => `${count(amount)} ${amount === 1 ? one : many}`;
