// The apps that the tests deploy. `hostile` has scripts wherever an author may write a text.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { environment, program } from "./server.js";
import { unzip, zip } from "./zip.js";

const run = promisify(execFile);

export const SCRIPT = `<img src=x onerror="alert('smuggled')"><script>alert('smuggled')</script>`;

const MAIN = `
def execute(data, conn=None):
    if data.get("fail"):
        raise ValueError(data["fail"])
    if data.get("list"):
        with conn.cursor() as cursor:
            cursor.execute("SELECT id, name FROM hostile_items ORDER BY id LIMIT 10")
            return {"items": cursor.fetchall()}
    return {"done": True}
`;

let component;

/**
 * Builds what all but the examples run: once, as an author does it at home, because building
 * takes most of the time of a deploy.
 */
export async function buildComponent() {
  const home = await mkdtemp(join(tmpdir(), "skep-author-"));
  await writeFile(join(home, "manifest.json"), `{ "app_name": "built", "version": "1.0.0" }`);
  await writeFile(join(home, "main.py"), MAIN);
  await run(program(), ["build", home, "--output", join(home, "built.zip")], { env: environment() });
  component = unzip(await readFile(join(home, "built.zip")), "component.wasm");
  await rm(home, { recursive: true });
}

/** A folder of an app as a zip, without its tests. */
export async function folder(path) {
  const files = {};
  for (const name of await readdir(path)) {
    if (["tests", "component.wasm"].includes(name)) continue;
    files[name] = await readFile(join(path, name));
  }
  return zip(files);
}

export const hostile = (version = "1.0.0", name = "hostile") => zip({
  "manifest.json": JSON.stringify({
    app_name: name,
    display_name: `Hostile ${SCRIPT}`,
    version,
    description: `A description ${SCRIPT} \u202eturned around`,
    actions: [{ name: "fired", display_name: SCRIPT, description: SCRIPT }],
    needs: {
      egress: ["https://api.example.com"],
      credentials: [{ name: "erp", description: `For the ERP ${SCRIPT}` }],
    },
    settings: [
      { key: "greeting", type: "text", label: `Greeting ${SCRIPT}`, description: SCRIPT, default: SCRIPT },
      { key: "limit", type: "number", label: "Limit", description: "How many rows a page has.", min: 1, max: 100, default: 25 },
      { key: "fast", type: "toggle", label: "Take the short way", default: true },
      { key: "unit", type: "select", label: "Unit", options: ["piece", { value: "box", label: `Box ${SCRIPT}` }], required: true },
    ],
    limits: { wall_ms: 5000 },
    schedules: { nightly: { cron: "0 2 * * *", timezone: "Europe/Berlin", payload: { fail: SCRIPT } } },
    tables: [`CREATE TABLE IF NOT EXISTS ${name}_items (id INTEGER PRIMARY KEY, name TEXT)`],
  }),
  "main.py": MAIN,
  "component.wasm": component,
  "index.html": `<p>${SCRIPT}</p>`,
});

export const plain = (name) => zip({
  "manifest.json": JSON.stringify({ app_name: name, display_name: `Plain ${name}`, version: "1.2.3", description: "Says that it is done." }),
  "component.wasm": component,
});
