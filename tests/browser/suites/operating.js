// What an operator looks at from day to day: logs, notifications, the system, charts, the interface.

import { test } from "node:test";
import assert from "node:assert/strict";
import { SCRIPT } from "../lib/apps.js";
import { PASSWORD } from "../lib/server.js";

export function operating(scene) {
  test("lines are searched, and followed as they come", async () => {
    for (const text of ["the needle is here", "only hay"]) await scene.admin.call("hostile", { log: text });
    const tab = await scene.tab();
    const { page } = tab;
    await tab.login("admin", PASSWORD);
    await tab.open("/admin/logs");
    await page.getByLabel("Text").fill("needle");
    await page.getByLabel("App").selectOption("hostile");
    await page.getByRole("button", { name: "Search" }).click();
    await page.waitForSelector("main[data-ready*='q=needle']");
    await page.getByText("the needle is here").waitFor();
    assert.equal(await page.getByText("only hay").count(), 0);
    assert.equal(await page.locator(".log-line").count(), 1);

    await page.getByRole("button", { name: "Follow" }).click();
    await page.getByText("Following", { exact: true }).waitFor();
    await scene.admin.call("hostile", { log: "more hay" });
    await scene.admin.call("hostile", { log: `another needle ${SCRIPT}` });
    await page.getByText("another needle <img").waitFor();
    assert.equal(await page.getByText("more hay").count(), 0);
    await tab.accessible("logs, followed");
    await tab.screenshot("logs-followed");
    await page.getByRole("button", { name: "Stop following" }).click();
    await scene.admin.call("hostile", { log: "a needle that nobody follows" });
    await page.locator(".log").getByRole("link", { name: "call", exact: true }).first().click();
    await page.getByRole("heading", { name: "What it logged" }).waitFor();
    await page.getByText("another needle <img").waitFor();
    await tab.close();
  });

  test("one subscribes, and reads what came", async () => {
    const tab = await scene.tab();
    const { page } = tab;
    await tab.login("uma", PASSWORD);
    await tab.open("/admin/notifications");
    // What one may not subscribe to is not there.
    assert.equal(await page.getByText("deal_closed").count(), 0);
    const box = page.getByRole("switch", { name: /of Rogue/ });
    await box.check();
    await page.getByText(/You are told of Fired/).waitFor();
    await scene.admin.call("rogue", { fire: { message: `told ${SCRIPT}` } });
    await page.getByText("told <img src=x").waitFor();
    await tab.accessible("notifications that came");
    await tab.screenshot("notifications-came");
    await box.uncheck();
    await page.getByText(/not told of Fired .* any more/).waitFor();
    const { subscriptions } = await (await page.request.get("/api/notify/subscriptions?subscribed=true")).json();
    assert.deepEqual(subscriptions, []);
    await tab.close();
  });

  test("charts of calls are drawn, in the colours of the theme", async () => {
    const tab = await scene.tab();
    const { page } = tab;
    await tab.login("admin", PASSWORD);
    await tab.open("/admin/calls");
    const charts = page.getByRole("img", { name: /over time/ });
    const painted = () => page.evaluate(() => [...document.querySelectorAll(".chart canvas")].map((canvas) =>
      canvas.toDataURL().length));
    await page.locator(".chart[data-drawn]").nth(1).waitFor();
    const light = await painted();
    assert.ok(light.length === 2 && light.every((length) => length > 3_000), `${light}`);
    assert.match(await charts.first().getAttribute("aria-label"), /^\d+ calls over time, of which \d+ failed$/);
    const shown = await page.evaluate(() => document.querySelector(".chart canvas").toDataURL());
    await page.getByRole("button", { name: "Theme: system" }).click();
    await page.getByRole("button", { name: "Theme: light" }).click();
    await tab.until((before) => document.querySelector(".chart canvas").toDataURL() !== before, shown);
    await tab.close();
  });

  test("the system shows its node, its database, and what is kept", async () => {
    const tab = await scene.tab();
    const { page } = tab;
    await tab.login("admin", PASSWORD);
    await tab.open("/admin/system");
    const nodes = page.getByRole("table", { name: "Nodes" });
    await nodes.getByText("this one").waitFor();
    await nodes.getByText("Alive").waitFor();
    await page.getByRole("table", { name: "Tables of apps" }).getByRole("link", { name: "inventory" }).waitFor();
    await page.getByRole("button", { name: "Purge calls" }).click();
    await page.getByText("Of calls there is nothing").waitFor();
    await tab.close();
  });

  test("the interface is searched and read", async () => {
    const tab = await scene.tab();
    const { page } = tab;
    await tab.login("uma", PASSWORD);
    await tab.open("/admin/api-docs");
    const all = await page.locator(".operation").count();
    assert.ok(all > 60, `${all}`);
    await page.getByLabel("Filter the interface").fill("POST /api/sync/{app}");
    assert.ok(await page.locator(".operation").count() < 5);
    await page.locator(".operation > summary").filter({ hasText: "/api/sync/{app}" }).click();
    await page.getByText("too many instructions").waitFor();
    await tab.accessible("an operation");
    await tab.screenshot("api-docs-operation");
    await page.getByLabel("Filter the interface").fill("");
    for (const summary of await page.locator(".operation > summary").all()) await summary.click();
    await tab.accessible("the whole interface");
    assert.equal(await tab.overflow(), 0);
    await tab.close();
  });
}
