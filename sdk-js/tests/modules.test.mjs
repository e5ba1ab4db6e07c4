import assert from "node:assert/strict";
import { test } from "node:test";

import { BuildFailed, Modules } from "../src/modules.js";

const main = "exports.execute = function (data) { return data }";

test("paths begin at the root of the bundle, and with a dot at the module's own folder", () => {
  const modules = new Modules({
    "main.js": 'var a = require("lib/a"); function execute() { return a }',
    "lib/a.js": 'module.exports = [require("lib/b"), require("./b.js"), require("../data/c")]',
    "lib/b.js": "exports.name = 'b'",
    "data/c.json": '{"c": 1}',
  }, {});

  const [first, second, third] = modules.main()();
  assert.equal(first, second);
  assert.deepEqual([first.name, third], ["b", { c: 1 }]);
});

test("two modules may require each other, and each runs once", () => {
  const modules = new Modules({
    "main.js": 'var a = require("a"); function execute() { return a.b() }',
    "a.js": 'var b = require("b"); exports.one = 1; exports.b = function () { return b.two() }',
    "b.js": 'var a = require("a"); exports.two = function () { return a.one + 1 }',
  }, {});

  assert.equal(modules.main()(), 2);
});

test("a file of the bundle goes before a module of the host's", () => {
  const builtin = { skep: { name: "host" } };
  const ask = (files) => {
    const source = 'var skep = require("skep"); function execute() { return skep.name }';
    return new Modules({ "main.js": source, ...files }, builtin).main()();
  };

  assert.equal(ask({}), "host");
  assert.equal(ask({ "skep.js": "exports.name = 'own'" }), "own");
});

test("what is not there is named, with where it was looked for", () => {
  const modules = new Modules({ "main.js": main }, {});
  modules.main();

  assert.throws(() => modules.require("./x", "lib/a.js"), /"\.\/x": the bundle has no file lib\/x\.js/);
  assert.throws(() => modules.require("toString", "main.js"), /no file toString\.js/);
});

test("a module that failed runs again when it is asked for again", () => {
  globalThis.attempts = 0;
  const modules = new Modules({
    "main.js": main,
    "a.js": "if (attempts++ === 0) throw new Error('first'); exports.ok = true",
  }, {});
  modules.main();

  assert.throws(() => modules.require("a", "main.js"), /first/);
  assert.equal(modules.require("a", "main.js").ok, true);
});

test("every way to give `execute` counts, in strict mode too", () => {
  for (const source of [
    '"use strict"; function execute(data) { return data } // end',
    "const execute = (data) => data",
    "exports.execute = (data) => data",
    "module.exports = { execute: (data) => data }",
    "globalThis.execute = (data) => data",
  ]) {
    delete globalThis.execute;
    assert.equal(new Modules({ "main.js": source }, {}).main()(5), 5, source);
  }
  delete globalThis.execute;
  assert.throws(() => new Modules({ "main.js": "var x" }, {}).main(), BuildFailed);
});

test("modules that are required later are read at once", () => {
  const files = {
    "main.js": 'function execute() { return require("lib/later") }',
    "lib/later.js": "export default 1",
  };
  assert.throws(() => new Modules(files, {}).main(), (error) => {
    assert.equal(error.file, "lib/later.js");
    assert.match(error.message, /use require/);
    return error instanceof BuildFailed;
  });
});
