const assert = require("node:assert/strict");
const { test } = require("node:test");

const check = require("../lib/check.js");

test("a person needs a name and an address", () => {
  assert.equal(check.person({ name: "Ann", email: "ann@example.com" }), undefined);
  assert.equal(check.person({ name: " ", email: "ann@example.com" }), "name is required");
  assert.equal(check.person({ name: "Ann", email: "ann" }), "email is required");
  assert.equal(check.person({ name: "Ann" }), "email is required");
});
