// Apps in the layout: that of the guide, one of modules, and one that tries what no page may.

import { test } from "node:test";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { hostile, plain } from "../lib/apps.js";
import { PASSWORD } from "../lib/server.js";

const PAGE = "/apps/app_sales_report/";

/** Opens an app, logged in. */
async function openApp(scene, path, options) {
  const tab = await scene.tab(options);
  await tab.login(options?.as ?? "admin", PASSWORD);
  await tab.page.goto(path);
  await tab.page.waitForSelector(".nr-app, .skep-message");
  return tab;
}

const toast = (tab, text) => tab.page.locator(".skep-toast").filter({ hasText: text });

/** Waits until the socket is open, so that what is fired after comes by it. */
const connected = (tab) => tab.until("AdminWS.notifyConnected");

export function shell(scene) {
  test("an app after the guide works without an edit", async () => {
    const tab = await openApp(scene, PAGE);
    const { page } = tab;
    for (const [name, amount] of [["Bolts", "120"], ["Nuts & <b>washers</b>", "80"], ["Screws", "200"]]) {
      await page.getByRole("textbox", { name: "Deal" }).fill(name);
      await page.getByLabel("Amount").fill(amount);
      await page.getByRole("button", { name: "Close deal" }).click();
      await page.locator(".tabulator-row").filter({ hasText: name }).waitFor();
    }
    await toast(tab, "is kept").first().waitFor();
    assert.equal(await page.locator(".tabulator-row").count(), 3);
    assert.equal(await page.locator("#sr-list li").count(), 3);
    assert.equal(await page.locator("#sr-list svg.lucide").count(), 3);
    const painted = await page.evaluate(() => {
      const canvas = document.querySelector("#sr-chart canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.some((value) => value !== 0);
    });
    assert.ok(painted, "the chart is empty");
    await tab.screenshot("shell-guide");

    const waiting = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export" }).click();
    const file = await readFile(await (await waiting).path());
    assert.equal(file.subarray(0, 2).toString(), "PK");

    await page.getByRole("button", { name: "Run report" }).click();
    await page.getByText("completed: 20").waitFor();

    await page.locator("#sr-csv-input").setInputFiles({ name: "a.csv", mimeType: "text/csv", buffer: Buffer.from("name,amount\nNails,5\n") });
    await page.locator(".tabulator-row").filter({ hasText: "Nails" }).waitFor();

    await page.getByRole("button", { name: "About" }).click();
    await page.getByRole("dialog").getByText("A deal is closed once.").waitFor();
    await tab.screenshot("shell-modal");
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
    await page.getByRole("dialog").waitFor({ state: "hidden" });

    await page.getByRole("textbox", { name: "Deal" }).fill("");
    await page.getByRole("button", { name: "Close deal" }).click();
    await toast(tab, "name is required").waitFor();
    const names = await page.evaluate(() => Object.keys(window).filter((name) => /^(root|el|esc|syncCall|skep)/i.test(name)));
    assert.deepEqual(names, []);
    await tab.close();
  });

  test("a notification comes by socket, as a toast and as an event", async () => {
    await scene.admin.send("POST", "/api/notify/subscribe", { app_name: "app_sales_report", action_name: "deal_closed", subscribed: true });
    const tab = await openApp(scene, "/apps/modern/");
    await connected(tab);
    const told = tab.page.evaluate(() => new Promise((resolve) => {
      addEventListener("adminws:edge_event", ({ detail }) => resolve([detail.app_id, detail.event, detail.payload.message]), { once: true });
    }));
    await scene.admin.call("app_sales_report", { action: "create", name: "Rivets", amount: 3 });
    await toast(tab, "Sales Report: Deal Closed").waitFor();
    await toast(tab, "Rivets is closed").waitFor();
    assert.deepEqual(await told, ["app_sales_report", "deal_closed", "Rivets is closed"]);
    await tab.screenshot("shell-toast");
    await tab.accessible("a toast in the shell");
    await tab.page.getByRole("button", { name: "Close" }).click();
    await toast(tab, "Rivets").waitFor({ state: "detached" });
    await tab.close();
  });

  test("each kind of toast has its look, and errors stay", async () => {
    const tab = await openApp(scene, "/apps/modern/");
    await tab.page.clock.install();
    await tab.page.evaluate(() => {
      for (const type of ["success", "error", "warning", "info"]) AdminWS.showToast(type, `This is ${type}`);
      AdminWS.showToast("nonsense", { toString: () => "<b>bold</b>" });
    });
    assert.equal(await tab.page.locator(".skep-toast").count(), 5);
    assert.equal(await tab.page.locator(".skep-toast b").count(), 0);
    await tab.screenshot("shell-toasts");
    await tab.page.clock.runFor(7_000);
    assert.deepEqual(await tab.page.locator(".skep-toast").allInnerTexts(), ["This is error"]);
    for (let number = 0; number < 9; number += 1) await tab.page.evaluate((text) => AdminWS.showToast("info", text), `Number ${number}`);
    assert.equal(await tab.page.locator(".skep-toast").count(), 5);
    await tab.close();
  });

  test("modules, fragments and the hash are the app's own", async () => {
    const tab = await openApp(scene, "/apps/modern");
    const { page } = tab;
    await page.waitForURL(/\/apps\/modern\/$/);
    await page.getByText("Screen one").waitFor();
    await tab.until("Boolean(globalThis.moInline) && globalThis.moLazy !== undefined");
    const found = await page.evaluate(() => {
      const style = getComputedStyle(document.querySelector(".mo-fragment"));
      return {
        same: moLazy, inline: moInline.loads, padding: style.paddingTop, margin: style.marginLeft,
        outer: document.querySelector(".nr-app").hasAttribute("data-app"), nested: document.querySelectorAll(".nr-app .nr-app").length,
        bootstrap: typeof bootstrap.Modal, base: document.baseURI.endsWith("/apps/modern/"),
      };
    });
    assert.deepEqual(found, { same: true, inline: 1, padding: "7px", margin: "11px", outer: false, nested: 1, bootstrap: "function", base: true });
    await page.getByRole("link", { name: "Two" }).click();
    await page.getByText("Screen two").waitFor();
    assert.ok(page.url().endsWith("/apps/modern/#/two"));
    await page.goBack();
    await page.getByText("Screen one").waitFor();
    await page.goto("/apps/modern/#/two");
    await page.getByText("Screen two").waitFor();
    await tab.close();
  });

  test("who logs in on the way comes to the place in the app that they wanted", async () => {
    const tab = await scene.tab({ allow: [/401 .*auth\/me/] });
    const { page } = tab;
    await page.goto("/apps/modern/?a=1#/two");
    await page.waitForURL(/\/admin\/login\?next=/);
    await page.getByLabel("Username").fill("uma");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.keyboard.press("Enter");
    await page.getByText("Screen two").waitFor();
    assert.ok(page.url().endsWith("/apps/modern/?a=1#/two"));
    await tab.close();
  });

  test("light and dark are chosen for all apps, else the system's", async () => {
    const ground = (tab) => tab.page.evaluate("getComputedStyle(document.body).backgroundColor");
    const light = await openApp(scene, PAGE);
    const dark = await openApp(scene, PAGE, { dark: true });
    await dark.page.locator(".tabulator-row").first().waitFor();
    assert.notEqual(await ground(light), await ground(dark));
    assert.equal(await dark.page.evaluate("document.documentElement.dataset.bsTheme"), "dark");
    const row = await dark.page.evaluate("getComputedStyle(document.querySelector('.tabulator-row')).backgroundColor");
    assert.equal(row, await ground(dark));
    await dark.screenshot("shell-guide-dark");
    await dark.accessible("an app in the dark");

    await light.page.getByRole("button", { name: "Theme: system" }).click();
    await light.page.getByRole("button", { name: "Theme: light" }).click();
    assert.equal(await ground(light), await ground(dark));
    await light.page.goto("/apps/modern/");
    assert.equal(await ground(light), await ground(dark));
    // The system's, as it changes.
    await light.page.getByRole("button", { name: "Theme: dark" }).click();
    await light.page.emulateMedia({ colorScheme: "dark" });
    await light.until("document.documentElement.dataset.bsTheme === 'dark'");
    assert.equal(await ground(light), await ground(dark));
    await Promise.all([light.close(), dark.close()]);
  });

  test("one goes from app to app, and out", async () => {
    const tab = await openApp(scene, "/apps/modern/");
    const { page } = tab;
    await page.getByRole("button", { name: "Modern" }).click();
    await page.getByRole("link", { name: "Sales Report" }).waitFor();
    await tab.screenshot("shell-switch");
    await tab.accessible("the list of apps");
    await page.getByRole("link", { name: "Sales Report" }).click();
    await page.waitForURL(/app_sales_report/);
    await page.getByRole("button", { name: "Log out" }).click();
    await page.waitForURL(/\/admin\/login/);
    await page.goto(PAGE);
    await page.waitForURL(/\/admin\/login\?next=/);
    await tab.close();
  });

  test("the shell fits a phone", async () => {
    const tab = await openApp(scene, PAGE, { phone: true });
    await tab.page.locator(".tabulator-row").first().waitFor();
    await tab.screenshot("shell-guide-phone");
    await tab.accessible("an app on a phone");
    assert.equal(await tab.overflow(), 0);
    await tab.close();
  });

  test("each app that cannot be shown says so", async () => {
    await scene.admin.deploy(plain("off"));
    await scene.admin.send("POST", "/admin/api/apps/off/disable");
    await scene.admin.deploy(plain("pageless"));
    await scene.dora.deploy(hostile("1.0.0", "undecided"));
    const said = {
      "/apps/nothing/": [404, "There is no such app"],
      "/apps/off/": [503, "This app is switched off"],
      "/apps/pageless/": [404, "This app has no page"],
      "/apps/undecided/": [503, "This app waits for consent"],
    };
    const allow = [/(404|503) .*apps/];
    for (const [path, [status, words]] of Object.entries(said)) {
      const tab = await openApp(scene, path, { allow });
      await tab.page.getByRole("heading", { name: words }).waitFor();
      const answer = await tab.page.goto(path);
      assert.equal(answer.status(), status, path);
      await tab.screenshot(`shell-${path.split("/")[2]}`);
      await tab.accessible(path);
      await tab.close();
    }
    const tab = await openApp(scene, PAGE, { as: "uma", allow: [/403 .*apps/], dark: true });
    await tab.page.getByRole("heading", { name: "You may not open this app" }).waitFor();
    await tab.page.getByText("sales:access").waitFor();
    await tab.screenshot("shell-forbidden");
    await tab.accessible("a forbidden app");
    await tab.close();
    for (const app of ["off", "pageless", "undecided"]) {
      await scene.admin.send("DELETE", `/admin/api/apps/${app}?tables=drop`);
    }
  });

  test("a rogue page reaches no other host, and no text becomes a script", async () => {
    const tab = await openApp(scene, "/apps/rogue/", {
      allow: [/Content Security Policy/i, /404 .*x\.png/, /violates/i, /Refused/i, /Framing/i, /net::ERR_BLOCKED_BY_CSP/, /blocked/i],
    });
    const { page } = tab;
    await page.evaluate("all");
    assert.deepEqual(await page.evaluate("tried"), {
      fetch: "refused", socket: "refused", eval: "refused", script: "refused", module: "refused", worker: "refused", font: "refused",
    });
    await connected(tab);
    await scene.admin.call("rogue", { fire: { message: `${"<img src=x onerror=\"alert('smuggled')\">"}` } });
    await toast(tab, "<img src=x onerror").waitFor();
    await page.getByRole("button", { name: /Rogue <img/ }).click();
    await page.getByRole("link", { name: /Rogue <img/ }).waitFor();
    assert.equal(await page.locator(".skep-bar :is(script, img:not([alt='']), iframe), .skep-toasts :is(img, script)").count(), 0);
    await tab.screenshot("shell-rogue");
    await page.keyboard.press("Escape");

    await page.locator("#ro-button").click();
    await page.locator("#ro-link").click();
    await page.evaluate("document.getElementById('ro-form').submit()");
    // By then, all of these would have come to something.
    await page.evaluate(() => new Promise((later) => { setTimeout(later); }));
    assert.equal(page.url(), `${scene.url}/apps/rogue/`);
    assert.equal(await page.evaluate("typeof framed"), "undefined");
    await tab.close();
  });
}
