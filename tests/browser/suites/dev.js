// An app under development: its page loads again when a file of it changes, and says what is wrong
// with a change that does not run.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { openTab } from "../lib/browser.js";
import { environment, program } from "../lib/server.js";

const MAIN = "def execute(data, conn=None):\n    return {}\n";
const page = (words) => `<!doctype html><html lang="en"><head><title>Notes</title></head><body><h1 id="words">${words}</h1></body></html>`;

/** Starts `skep dev` on a folder, and gives its link. */
function start(folder) {
  const child = spawn(program(), ["dev", "--listen", "127.0.0.1:0", "--data", join(folder, "..", "data"), folder], { env: environment(), stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => { child.once("exit", resolve); });
  const link = new Promise((resolve, reject) => {
    let printed = "";
    child.stdout.on("data", (text) => {
      printed += text;
      const found = /(http:\/\/\S+app=notes)\n/.exec(printed);
      if (found) resolve(found[1]);
    });
    child.once("exit", () => reject(new Error(`skep dev ended:\n${printed}`)));
  });
  return { child, ended, link };
}

export function dev(scene) {
  let folder;
  let server;
  let tab;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "skep-dev-"));
    // The database may run as another user, which has to pass through.
    await chmod(folder, 0o711);
    await mkdir(join(folder, "notes"));
    const app = (path, text) => writeFile(join(folder, "notes", path), text);
    await app("manifest.json", JSON.stringify({ app_name: "notes", version: "1.0.0", display_name: "Notes" }));
    await app("main.py", MAIN);
    await app("index.html", page("one"));
    server = start(join(folder, "notes"));
    const link = await server.link;
    tab = await openTab(scene.browser, new URL(link).origin);
    await tab.page.goto(link);
  });

  after(async () => {
    server?.child.kill("SIGTERM");
    await server?.ended;
    await rm(folder, { recursive: true, force: true });
  });

  const words = (text) => tab.page.waitForSelector(`#words:text-is("${text}")`);

  it("the link logs in, and the page follows the folder", async () => {
    assert.equal(new URL(tab.page.url()).pathname, "/apps/notes/");
    await words("one");
    await writeFile(join(folder, "notes", "index.html"), page("two"));
    await words("two");
  });

  it("a change that does not run is told in the page, which goes when it is mended", async () => {
    await writeFile(join(folder, "notes", "main.py"), "def execute(data:\n");
    const shown = await tab.page.waitForSelector(".skep-failed");
    assert.match(await shown.textContent(), /main\.py:\d+:\d+: a Python source cannot be read/);
    await tab.screenshot("dev-failed");
    await tab.accessible("a page with a change that does not run");
    await words("two");
    await writeFile(join(folder, "notes", "main.py"), `${MAIN}\n`);
    await tab.page.waitForSelector(".skep-failed", { state: "detached" });
    await words("two");
    await tab.close();
  });
}
