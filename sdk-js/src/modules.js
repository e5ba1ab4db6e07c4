// The app's modules: `require` from the root of the bundle, as the contract has it.

import { place } from "./failure.js";

const MAIN = "main.js";

/** The bundle cannot become an app. `file` and `line` say where. */
export class BuildFailed extends Error {
  constructor(name, message, { file, line }) {
    super(message);
    this.name = name;
    this.file = file;
    this.line = line;
  }
}

/** The modules of one bundle. `files` are its sources by path, `builtin` modules by name. */
export class Modules {
  constructor(files, builtin) {
    this.files = files;
    this.builtin = builtin;
    this.loaded = new Map();
  }

  /** Runs `main.js` and returns its `execute`. Throws `BuildFailed`. */
  main() {
    const names = "typeof execute === 'function' ? execute : undefined";
    const module = { exports: {} };
    this.loaded.set(MAIN, module);
    let own;
    try {
      own = this.run(MAIN, module, `\n;return ${names}`);
      this.compileRequired();
    } catch (error) {
      if (error instanceof BuildFailed) throw error;
      const name = error instanceof Error ? error.name : "Error";
      throw new BuildFailed(name, String(error?.message ?? error), place(error, this.files));
    }
    const execute = own ?? module.exports.execute ?? globalThis.execute;
    if (typeof execute !== "function") {
      const message = "main.js does not define a function execute(data)";
      throw new BuildFailed("NoExecute", message, { file: MAIN, line: 0 });
    }
    if (typeof module.exports === "object") module.exports.execute ??= execute;
    return execute;
  }

  /** What the module at `path` exports, as a module at `from` asks for it. */
  require(path, from) {
    const file = this.find(path, from);
    if (file === undefined) {
      if (Object.hasOwn(this.builtin, path)) return this.builtin[path];
      const wanted = resolve(path, from).replace(/\.js$/, "");
      throw new Error(
        `cannot find module "${path}": the bundle has no file ${wanted}.js. ` +
          `Paths begin at the root of the bundle; "./" is the folder of the module that asks`,
      );
    }
    const known = this.loaded.get(file);
    if (known) return known.exports;
    const module = { exports: {} };
    // Before it runs, so that two modules may require each other.
    this.loaded.set(file, module);
    try {
      if (file.endsWith(".json")) module.exports = JSON.parse(this.files[file]);
      else this.run(file, module, "");
    } catch (error) {
      this.loaded.delete(file);
      throw error;
    }
    return module.exports;
  }

  find(path, from) {
    const name = resolve(String(path), from);
    const candidates = [name, `${name}.js`, `${name}.json`, `${name}/index.js`];
    return candidates.find((candidate) => Object.hasOwn(this.files, candidate));
  }

  run(file, module, end) {
    const require = (path) => this.require(path, file);
    return this.compiled(file, end)(require, module, module.exports);
  }

  compiled(file, end) {
    // Behind the source, so that a comment in its last line does not swallow the bracket; on its
    // first line before it, so that lines count as the author counts them.
    const head = "(function (require, module, exports) {";
    const source = `${head}${this.files[file]}${end}\n})\n//# sourceURL=${file}`;
    try {
      return (0, eval)(source);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new BuildFailed("SyntaxError", explained(error.message), {
        file,
        line: Math.min(error.lineNumber, this.files[file].split("\n").length),
      });
    }
  }

  /** Reads what functions may require later, so that mistakes in it are told when it is built. */
  compileRequired() {
    const asked = [MAIN];
    for (const file of asked) {
      for (const [, , path] of this.files[file].matchAll(/\brequire\(\s*(['"])([^'"]+)\1\s*\)/g)) {
        const found = this.find(path, file);
        if (found?.endsWith(".js") && !asked.includes(found)) {
          asked.push(found);
          if (!this.loaded.has(found)) this.compiled(found, "");
        }
      }
    }
  }
}

function resolve(path, from) {
  if (!/^\.\.?\//.test(path)) return path.replace(/^\/+/, "");
  const parts = from.split("/").slice(0, -1);
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

function explained(message) {
  return /import|export/.test(message)
    ? `${message}: the backend's files are scripts, so use require("lib/x") and module.exports`
    : message;
}
