// A browser that tells on the pages: what goes to another host, errors, and what scripts that
// were smuggled in have done all fail the test.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Where screenshots go. */
export const SHOTS = process.env.SKEP_SHOTS ?? new URL("../screenshots/", import.meta.url).pathname;

export const launch = () => chromium.launch({
  executablePath: process.env.SKEP_CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
});

/** The pages from the working tree instead of those in the program: for who writes them. */
async function fromSources(context) {
  if (!process.env.SKEP_PAGES) return;
  await context.route(/\/admin\/assets\/[0-9a-f]+\//, (route) => {
    const path = new URL(route.request().url()).pathname.split("/").slice(4).join("/");
    return route.fulfill({ path: join(process.env.SKEP_PAGES, path) });
  });
}

/** Opens a tab. `close` fails where the page did what it must not. */
export async function openTab(browser, url, { dark = false, phone = false, allow = [] } = {}) {
  const context = await browser.newContext({
    baseURL: url,
    colorScheme: dark ? "dark" : "light",
    viewport: phone ? { width: 390, height: 844 } : { width: 1280, height: 840 },
    hasTouch: phone,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const wrongs = [];
  const { host } = new URL(url);
  const elsewhere = (request) => {
    const target = new URL(request.url());
    return !["data:", "blob:"].includes(target.protocol) && target.host !== host;
  };
  const asked = new Set();
  context.on("request", (request) => elsewhere(request) && asked.add(request));
  // What the page's policy stops is told as a request too, though it never leaves.
  context.on("requestfailed", (request) => /csp/i.test(request.failure().errorText) && asked.delete(request));
  page.on("console", (message) => {
    const text = `${message.text()} ${message.location().url}`;
    if (["error", "warning"].includes(message.type()) && !allow.some((pattern) => pattern.test(text))) wrongs.push(`console: ${text}`);
  });
  page.on("pageerror", (error) => wrongs.push(`error: ${error.stack}`));
  page.on("dialog", (dialog) => {
    wrongs.push(`a script of somebody else's ran: ${dialog.message()}`);
    return dialog.dismiss();
  });
  await fromSources(context);

  const tab = {
    page,
    wrongs,
    /** Goes to an address, and waits until its page is drawn. */
    async open(path) {
      await page.goto(path);
      await page.waitForSelector("main[data-ready]:not(:has([aria-busy]))");
    },
    async login(username, password) {
      await page.goto("/admin/login");
      await page.getByLabel("Username").fill(username);
      await page.getByLabel("Password").fill(password);
      await page.getByRole("button", { name: "Log in" }).click();
      await page.waitForSelector("main[data-ready]:not(:has([aria-busy]))");
    },
    async screenshot(name) {
      await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
    },
    /** Waits until something is true in the page, whose policy lets no text be evaluated again and again. */
    async until(condition, given) {
      while (!(await page.evaluate(condition, given))) await new Promise((resolve) => { setTimeout(resolve, 50); });
    },
    /** What an app and its libraries draw is for their makers to mend. */
    async accessible(name) {
      const broken = await page.evaluate(`${axeSource}; axe.run({ exclude: [[".nr-app > *"]] }, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], rules: { "page-has-heading-one": { enabled: !document.querySelector(".nr-app") } } })
        .then(({ violations }) => violations.map(({ id, help, nodes }) => ({ id, help, where: nodes.map(({ html, failureSummary }) => html.slice(0, 200) + " " + failureSummary) })))`);
      assert.deepEqual(broken, [], `axe on ${name}`);
    },
    async overflow() {
      return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
    },
    async close() {
      await context.close();
      const leaks = [...asked].map((request) => `asked another host: ${request.url()} ${request.failure()?.errorText}`);
      assert.deepEqual([...wrongs, ...leaks], []);
    },
  };
  return tab;
}
