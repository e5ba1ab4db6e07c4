// Values of PostgreSQL's types, as the interface `skep:app/db` carries them and as apps have them.

// A number of more digits is not the same any more once it is a double.
const DIGITS = 15;
const SMALLEST = -(2n ** 63n);
const LARGEST = 2n ** 63n - 1n;

/** Makes a parameter of a value: a case of the interface's `value`. Throws TypeError. */
export function parameter(value, place) {
  switch (typeof value) {
    case "undefined":
      return { tag: "null" };
    case "boolean":
      return { tag: "boolean", val: value };
    case "number":
      return Number.isSafeInteger(value)
        ? { tag: "integer", val: BigInt(value) }
        : { tag: "float", val: value };
    case "bigint":
      return SMALLEST <= value && value <= LARGEST
        ? { tag: "integer", val: value }
        : { tag: "text", val: String(value) };
    case "string":
      return { tag: "text", val: value };
    case "object":
      return ofObject(value);
    default:
      throw new TypeError(`parameter $${place} is a ${typeof value}, which SQL has no match for`);
  }
}

function ofObject(value) {
  if (value === null) return { tag: "null" };
  if (value instanceof Uint8Array) return { tag: "bytes", val: value };
  if (value instanceof Date) return { tag: "text", val: value.toISOString() };
  if (Array.isArray(value)) return { tag: "array", val: JSON.stringify(value.map(element)) };
  return { tag: "text", val: JSON.stringify(value) };
}

// What stands in an array: JSON's own, and everything else as the text that PostgreSQL reads.
function element(value) {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value.map(element);
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (typeof value === "bigint") return String(value);
  if (value instanceof Uint8Array) return hexadecimal(value);
  if (value instanceof Date) return value.toISOString();
  return typeof value === "object" ? JSON.stringify(value) : value;
}

/** Makes plain objects of the rows of an outcome. Each value is one that JSON can hold. */
export function rows(outcome) {
  const names = outcome.columns.map((column) => column.name);
  const readers = outcome.columns.map((column) => reader(column.typeName));
  return outcome.rows.map((values) => {
    const row = {};
    values.forEach((value, index) => {
      row[names[index]] = value.tag === "null" ? null : readers[index](value.val);
    });
    return row;
  });
}

function reader(type) {
  if (type.endsWith("[]")) {
    const read = READERS[type.slice(0, -2)] ?? asItIs;
    const deep = (part) => {
      if (part === null) return null;
      return Array.isArray(part) ? part.map(deep) : read(part);
    };
    return (text) => deep(JSON.parse(text));
  }
  return READERS[type] ?? asItIs;
}

const asItIs = (value) => value;

// Beyond 2^53 doubles have holes: text keeps every digit.
function whole(value) {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

function numeric(text) {
  const digits = text.replace(".", "").replace(/^[-0]+/, "");
  return /^[-.\d]+$/.test(text) && digits.length <= DIGITS ? Number(text) : text;
}

// The nearest double of a `float4` has digits that the `float4` never had.
function single(value) {
  if (typeof value !== "number") return value;
  for (let digits = 6; digits < 9; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

// `2026-03-01 12:30:00+00` as `2026-03-01T12:30:00Z`, which `Date` and browsers read.
function moment(text) {
  return /^\d/.test(text) && !text.endsWith("BC")
    ? text.replace(" ", "T").replace(/\+00$/, "Z")
    : text;
}

function hexadecimal(value) {
  if (typeof value === "string") return value;
  return "\\x" + Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const READERS = {
  int2: whole,
  int4: whole,
  int8: whole,
  oid: whole,
  float4: single,
  numeric,
  json: JSON.parse,
  jsonb: JSON.parse,
  timestamptz: moment,
  timestamp: moment,
  bytea: hexadecimal,
};
