// The exports of `skep:app/javascript`. Running this module builds the app, once; cells start from
// the state that it leaves.

import { execute as send } from "skep:app/db@1.0.0";
import { write } from "skep:app/log@1.0.0";

import files from "./files.js";
import { methods } from "./console.js";
import { failure, place, text } from "./failure.js";
import { asked, named } from "./host.js";
import { BuildFailed, Modules } from "./modules.js";
import { phase } from "./phase.js";
import { skep } from "./skep.js";
import { parameter, rows } from "./values.js";

const report = console.error.bind(console);

Object.assign(
  console,
  methods((level, message) => {
    if (!phase.building) write(level, message, undefined);
  }),
);

globalThis.sql = function sql(statement, params = []) {
  if (phase.building) {
    const message =
      "sql() cannot be called while the app is built: call it in execute(), and put what makes " +
      "tables into `tables` of manifest.json";
    throw named("NotInCall", message);
  }
  if (typeof statement !== "string") throw new TypeError("sql() takes the statement as text");
  if (params !== null && !Array.isArray(params)) {
    throw new TypeError("sql() takes the values of $1, $2 and so on as an array");
  }
  const values = (params ?? []).map((value, index) => parameter(value, index + 1));
  return rows(asked(undefined, () => send(statement, values)));
};

// Drawn anew in each cell: the engine's own would begin where the build left it.
const drawn = new Uint32Array(2);
Math.random = function random() {
  crypto.getRandomValues(drawn);
  return ((drawn[0] >>> 5) * 67108864 + (drawn[1] >>> 6)) / 9007199254740992;
};

const modules = new Modules(files, { skep });
globalThis.require = (path) => modules.require(path, "main.js");

const manifest = JSON.parse(files["manifest.json"] ?? "{}");

let main;
try {
  main = modules.main();
  for (const kind of ["tasks", "hooks"]) {
    for (const name of Object.keys(manifest[kind] ?? {})) target(kind, name);
  }
} catch (error) {
  // The server shows what follows this mark to whoever deploys.
  const { file, line } = error instanceof BuildFailed ? error : place(error, files);
  const [name, message] =
    error instanceof Error ? [error.name, error.message] : ["Error", text(error)];
  report(`skep-build-error: ${JSON.stringify({ file, line, name, message, trace: "" })}`);
  throw error;
}
phase.building = false;

/** A function of the app's by what the manifest calls it: `lib/sync.js:run`. */
function target(kind, name) {
  const entry = manifest[kind][name];
  const named = String(typeof entry === "string" ? entry : entry?.run);
  const [path, exported] = named.split(":");
  const missing = (file, fix) => {
    const message = `\`${kind}.${name}\` of manifest.json names \`${named}\`, which is not there: ${fix}`;
    return new BuildFailed("TargetMissing", message, { file, line: 0 });
  };
  if (!Object.hasOwn(files, path)) throw missing("manifest.json", "add the file, or name another");
  const found = modules.require(path, "main.js")[exported];
  if (typeof found !== "function") throw missing(path, `export it as exports.${exported}`);
  return found;
}

/** Calls the app and makes JSON of what it returns, now or later. */
function answered(work) {
  const refuse = (error) => {
    throw { payload: failure(error, files) };
  };
  try {
    const result = work();
    if (typeof result?.then === "function") return Promise.resolve(result).then(encoded).catch(refuse);
    return encoded(result);
  } catch (error) {
    return refuse(error);
  }
}

function encoded(result) {
  try {
    return JSON.stringify(result) ?? "null";
  } catch (cause) {
    const error = new TypeError("response serialization failed");
    error.stack = "";
    console.error(`the answer is not JSON: ${text(cause)}`);
    throw error;
  }
}

export function execute(data) {
  return answered(() => main(JSON.parse(data)));
}

export const task = {
  run: (name, payload) => answered(() => target("tasks", name)(JSON.parse(payload))),
};

export const lifecycle = {
  // `tables` make what a release needs; a bundle's own code runs when it is built.
  load() {},
  hook(name, payload) {
    const given = { app: manifest.app_name ?? manifest.name, hook: name, payload: JSON.parse(payload) };
    return answered(() => target("hooks", name)(given));
  },
};
