// An app's life in the pages: dropped, consented to, refused, gone back, set up, and deleted.

import { test } from "node:test";
import assert from "node:assert/strict";
import { hostile, plain } from "../lib/apps.js";
import { PASSWORD } from "../lib/server.js";

/** Drops a zip onto the page, as from a file manager. */
async function drop(page, name, bytes) {
  await page.locator(".drop").evaluate((zone, { name: fileName, base64 }) => {
    const contents = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([contents], fileName, { type: "application/zip" }));
    zone.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer }));
  }, { name, base64: bytes.toString("base64") });
}

const patience = { timeout: 300_000 };

export function apps(scene) {
  test("an app is deployed by drop, by somebody who may consent", async () => {
    const tab = await scene.tab();
    const { page } = tab;
    await tab.login("admin", PASSWORD);
    await tab.open("/admin/deploy");
    await drop(page, `<img src=x onerror="alert('smuggled')">.zip`, hostile("2.0.0"));
    await page.getByRole("heading", { name: /asks for/ }).waitFor(patience);
    await page.getByText("1.0.0 → 2.0.0").waitFor();
    await tab.accessible("a plan");
    await tab.screenshot("deploy-plan");
    await page.getByRole("button", { name: "Deploy", exact: true }).click();
    await page.getByText("Release 2 of hostile serves").waitFor(patience);
    await tab.accessible("a deploy that is done");
    await tab.screenshot("deploy-done");
    await page.getByRole("link", { name: "Open the app" }).click();
    await page.getByText("version 2.0.0").waitFor();
    await tab.close();
  });

  test("what an app asks for is ticked one by one before it goes live", async () => {
    const tab = await scene.tab();
    const { page } = tab;
    await tab.login("admin", PASSWORD);
    await tab.open("/admin/deploy");
    await page.locator("input[type=file]").setInputFiles({ name: "a.zip", mimeType: "application/zip", buffer: hostile("1.0.0", "asking") });
    const go = page.getByRole("button", { name: "Consent and deploy" });
    await go.waitFor(patience);
    await tab.screenshot("deploy-consent");
    assert.equal(await go.isDisabled(), true);
    await page.getByLabel("Send requests to https://api.example.com").check();
    await page.getByLabel("Use the credential erp").check();
    assert.equal(await go.isDisabled(), true);
    await page.getByLabel("Run its pages in browsers").check();
    await tab.accessible("consent");
    await go.click();
    await page.getByText("Release 1 of asking serves").waitFor(patience);
    const { grants } = await scene.admin.send("GET", "/admin/api/apps/asking/grants");
    assert.deepEqual(grants.map(({ key }) => key).sort(), ["credential:erp", "egress:https://api.example.com"]);

    await tab.open("/admin/apps/asking/grants");
    await page.getByRole("button", { name: "Withdraw egress:https://api.example.com" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Withdraw" }).click();
    await page.getByText("The grant was withdrawn").waitFor();
    const left = await scene.admin.send("GET", "/admin/api/apps/asking/grants");
    assert.deepEqual(left.grants.map(({ key }) => key), ["credential:erp"]);
    await tab.close();
  });

  test("what somebody without consent deploys waits, and is refused or accepted", async () => {
    const dora = await scene.tab();
    await dora.login("dora", PASSWORD);
    for (const [version, number] of [["1.0.0", 1], ["1.1.0", 2]]) {
      await dora.open("/admin/deploy");
      await dora.page.locator("input[type=file]").setInputFiles({ name: "a.zip", mimeType: "application/zip", buffer: hostile(version, "waiting") });
      await dora.page.getByRole("heading", { name: "It will wait for consent" }).waitFor(patience);
      await dora.page.getByRole("button", { name: "Deploy, and let it wait" }).click();
      await dora.page.getByText(`Release ${number} of waiting waits for consent`).waitFor(patience);
      if (number === 1) await decide(scene, false);
    }
    await dora.page.getByRole("link", { name: "Look at the release" }).click();
    await dora.page.getByText("It waits for consent").waitFor();
    assert.equal(await dora.page.getByRole("button", { name: "Consent and activate" }).count(), 0);
    await dora.open("/admin/apps/waiting/releases");
    await dora.page.getByText("it asks for too much").waitFor();
    await dora.close();
    await decide(scene, true);
  });

  test("an earlier release is made to serve again", async () => {
    const tab = await scene.tab();
    const { page } = tab;
    await tab.login("admin", PASSWORD);
    await tab.open("/admin/apps/hostile/releases");
    await page.getByRole("button", { name: "Make it serve: release 1" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Make it serve" }).click();
    await page.getByText("Release 1 of hostile serves").waitFor();
    assert.equal((await scene.admin.send("GET", "/admin/api/apps/hostile")).release, 1);
    await tab.close();
  });

  test("a credential is set and never shown", async () => {
    const tab = await scene.tab();
    const { page } = tab;
    const bodies = [];
    page.on("response", async (response) => bodies.push(await response.text().catch(() => "")));
    await tab.login("admin", PASSWORD);
    await tab.open("/admin/apps/hostile/credentials");
    await page.getByRole("button", { name: "Replace erp" }).click();
    const dialog = page.getByRole("dialog");
    const field = dialog.getByLabel("Secret");
    assert.equal(await field.getAttribute("type"), "password");
    await field.fill("canary-4711");
    await dialog.getByRole("button", { name: "Set" }).click();
    await page.getByText("erp is set").waitFor();
    await page.getByRole("cell", { name: "11 B" }).waitFor();
    assert.ok(!(await page.content()).includes("canary-4711"));
    assert.ok(!bodies.some((body) => body.includes("canary-4711")));
    await tab.close();
  });

  test("settings are set by their types, and what does not fit is said", async () => {
    const tab = await scene.tab({ allow: [/422 .*settings/] });
    const { page } = tab;
    await tab.login("admin", PASSWORD);
    await tab.open("/admin/apps/hostile/settings");
    const setting = (key) => page.locator(".setting").filter({ has: page.locator("code", { hasText: new RegExp(`^${key}$`) }) });
    await setting("unit").getByRole("combobox").selectOption({ value: "box" });
    await setting("unit").getByRole("button", { name: "Save" }).click();
    await page.getByText("Unit is saved").waitFor();
    await setting("fast").getByRole("checkbox").uncheck();
    await setting("fast").getByRole("button", { name: "Save" }).click();
    await page.getByText("Take the short way is saved").waitFor();
    await setting("greeting").getByRole("textbox").fill("x".repeat(10_001));
    await setting("greeting").getByRole("button", { name: "Save" }).click();
    await setting("greeting").getByRole("alert").waitFor();
    await tab.screenshot("settings-unfit");
    const { settings } = await scene.admin.send("GET", "/api/apps/hostile/settings");
    const value = (key) => settings.find((each) => each.key === key).value;
    assert.deepEqual([value("unit"), value("fast")], ["box", false]);
    await setting("fast").getByRole("button", { name: "Use the default of fast" }).click();
    await page.getByText("The default counts again").waitFor();
    await tab.close();
  });

  test("an app that cannot be deployed says why, and changes nothing", async () => {
    const tab = await scene.tab({ allow: [/(400|422) .*deploy/] });
    const { page } = tab;
    await tab.login("admin", PASSWORD);
    await tab.open("/admin/deploy");
    await drop(page, "not-a.zip", Buffer.from("not a zip"));
    await page.getByRole("alert").waitFor(patience);
    await tab.accessible("a deploy that failed");
    await tab.screenshot("deploy-failed");
    await page.getByRole("button", { name: "Choose another file" }).click();
    await page.locator(".drop").waitFor();
    await tab.close();
  });

  test("an app is disabled, and deleted by typing its name", async () => {
    await scene.admin.deploy(plain("gone"));
    const tab = await scene.tab();
    const { page } = tab;
    await tab.login("admin", PASSWORD);
    await tab.open("/admin/apps/gone/danger");
    await page.getByRole("button", { name: "Disable" }).click();
    await page.getByText("gone is disabled").waitFor();
    await page.getByRole("button", { name: "Delete with tables" }).click();
    const dialog = page.getByRole("dialog");
    await tab.accessible("deleting an app");
    await dialog.getByRole("textbox").fill("gone");
    await dialog.getByRole("button", { name: "Delete the app and its tables" }).click();
    await page.getByRole("heading", { name: "Apps" }).waitFor();
    const { apps: left } = await scene.admin.send("GET", "/admin/api/apps");
    assert.ok(!left.some(({ name }) => name === "gone"));
    await tab.close();
  });
}

/** The operator looks at the release that waits, and decides. */
async function decide(scene, consent) {
  const tab = await scene.tab();
  const { page } = tab;
  await tab.login("admin", PASSWORD);
  await page.getByRole("link", { name: "Look at it" }).click();
  await page.getByRole("heading", { name: "Decide" }).waitFor();
  if (consent) {
    for (const box of await page.getByRole("checkbox").all()) await box.check();
    await page.getByRole("button", { name: "Consent and activate" }).click();
    await page.getByText("Release 2 of waiting serves").waitFor(patience);
  } else {
    await tab.screenshot("release-waiting");
    await tab.accessible("a release that waits");
    await page.getByRole("button", { name: "Refuse" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel(/Why/).fill("it asks for too much");
    await dialog.getByRole("button", { name: "Refuse" }).click();
    await page.getByText("Refused by admin").waitFor();
  }
  await tab.close();
}
