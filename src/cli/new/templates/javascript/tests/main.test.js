// Tests of main.js that need neither a server nor a database.

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { test } = require("node:test");

const root = path.dirname(__dirname);

// Runs main.js as a cell does, and answers its `sql` with `rows`. What it sent is in `sent`.
function app(rows) {
  const sent = [];
  const sql = (text, params) => {
    sent.push({ text, params });
    return rows;
  };
  const loaded = new Map();
  const load = (file) => {
    if (!loaded.has(file)) {
      const module = { exports: {} };
      loaded.set(file, module);
      const end = file === "main.js" ? "\n;module.exports.execute = execute;" : "";
      const source = fs.readFileSync(path.join(root, file), "utf8") + end;
      const require = (name) => load(name.replace(/\.js$/, "") + ".js");
      new Function("require", "module", "exports", "sql", source)(require, module, module.exports, sql);
    }
    return loaded.get(file).exports;
  };
  return { execute: load("main.js").execute, sent };
}

test("list returns the items", () => {
  const row = { id: 7, name: "one", created_at: "2026-01-02T00:00:00Z" };

  assert.deepEqual(app([row]).execute({ action: "list" }), { rows: [row] });
});

test("create stores the name and notifies", () => {
  const { execute, sent } = app([{ id: 8 }]);

  const answer = execute({ action: "create", name: " two " });

  assert.equal(answer.id, 8);
  assert.deepEqual(sent[0].params, ["two"]);
  assert.equal(answer._actions[0].name, "item_created");
});

test("create without a name stores nothing", () => {
  const { execute, sent } = app([]);

  assert.deepEqual(execute({ action: "create" }), { error: "name is required" });
  assert.deepEqual(sent, []);
});

test("an unknown action is an error", () => {
  assert.deepEqual(app([]).execute({ action: "x" }), { error: "unknown action 'x'" });
});
