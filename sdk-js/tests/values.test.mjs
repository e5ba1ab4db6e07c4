import assert from "node:assert/strict";
import { test } from "node:test";

import { parameter, rows } from "../src/values.js";

test("every value has a case of the interface", () => {
  for (const [value, expected] of [
    [undefined, { tag: "null" }],
    [null, { tag: "null" }],
    [true, { tag: "boolean", val: true }],
    [7, { tag: "integer", val: 7n }],
    [2 ** 53, { tag: "float", val: 2 ** 53 }],
    [0.5, { tag: "float", val: 0.5 }],
    [2n ** 63n - 1n, { tag: "integer", val: 2n ** 63n - 1n }],
    [2n ** 63n, { tag: "text", val: "9223372036854775808" }],
    ["ä", { tag: "text", val: "ä" }],
    [new Date(0), { tag: "text", val: "1970-01-01T00:00:00.000Z" }],
    [{ a: [1] }, { tag: "text", val: '{"a":[1]}' }],
    [[1, "a", null, [NaN, 1n]], { tag: "array", val: '[1,"a",null,["NaN","1"]]' }],
  ]) {
    assert.deepEqual(parameter(value, 1), expected);
  }
  assert.equal(parameter(new Uint8Array([0, 255]), 1).tag, "bytes");
  assert.throws(() => parameter(() => 1, 2), /parameter \$2 is a function/);
});

function read(typeName, value) {
  const tag = value === null ? "null" : "text";
  const outcome = { columns: [{ name: "v", typeName }], rows: [[{ tag, val: value }]] };
  return rows(outcome)[0].v;
}

test("rows are what JSON can hold, without a digit lost", () => {
  for (const [type, value, expected] of [
    ["int8", 42n, 42],
    ["int8", 9007199254740993n, "9007199254740993"],
    ["float4", Math.fround(0.1), 0.1],
    ["float4", Math.fround(16777216), 16777216],
    ["float8", 0.1, 0.1],
    ["numeric", "12.50", 12.5],
    ["numeric", "-0.000000000000001", -1e-15],
    ["numeric", "1234567890123456", "1234567890123456"],
    ["numeric", "NaN", "NaN"],
    ["timestamptz", "2026-03-01 12:30:00.5+00", "2026-03-01T12:30:00.5Z"],
    ["timestamptz", "infinity", "infinity"],
    ["timestamptz", "0044-03-15 00:00:00+00 BC", "0044-03-15 00:00:00+00 BC"],
    ["timestamp", "2026-03-01 12:30:00", "2026-03-01T12:30:00"],
    ["date", "2026-03-01", "2026-03-01"],
    ["jsonb", '{"a": 1}', { a: 1 }],
    ["bytea", new Uint8Array([0, 255]), "\\x00ff"],
    ["uuid", "a0eebc99", "a0eebc99"],
    ["numeric[]", '["1.5", null, ["NaN"]]', [1.5, null, ["NaN"]]],
    ["text", null, null],
  ]) {
    assert.deepEqual(read(type, value), expected, `${type} ${value}`);
  }
});
