// Logging in, being sent to log in, and getting around with the keyboard alone.

import { test } from "node:test";
import assert from "node:assert/strict";
import { PASSWORD } from "../lib/server.js";

export function access(scene) {
  test("a wrong password is told, with the id of the request", async () => {
    const tab = await scene.tab({ allow: [/401 .*login/] });
    await tab.page.goto("/admin/login");
    await tab.page.getByLabel("Username").fill("admin");
    await tab.page.getByLabel("Password").fill("not the password");
    await tab.page.getByRole("button", { name: "Log in" }).click();
    const alert = tab.page.getByRole("alert");
    await alert.getByText("wrong username or password").waitFor();
    assert.match(await alert.innerText(), /Request [0-9a-f-]{36}/);
    await tab.close();
  });

  test("who is not logged in comes back to the page that they wanted", async () => {
    const tab = await scene.tab({ allow: [/401 .*auth\/me/] });
    await tab.page.goto("/admin/apps/hostile/grants");
    await tab.page.waitForURL(/\/admin\/login\?next=/);
    await tab.page.getByLabel("Username").fill("admin");
    await tab.page.getByLabel("Password").fill(PASSWORD);
    await tab.page.keyboard.press("Enter");
    await tab.page.waitForURL(/\/admin\/apps\/hostile\/grants$/);
    await tab.page.getByRole("heading", { name: "Grants" }).waitFor();
    await tab.close();
  });

  test("a login that ended leads to the login page, and back", async () => {
    const tab = await scene.tab({ allow: [/401 .*tokens/] });
    await tab.login("uma", PASSWORD);
    // As if it had ended elsewhere: the page does not know.
    await tab.page.evaluate(() => fetch("/api/auth/logout", { method: "POST" }));
    await tab.page.getByRole("link", { name: "Tokens" }).click();
    await tab.page.waitForURL(/\/admin\/login\?next=%2Fadmin%2Ftokens$/);
    await tab.close();
  });

  test("the login page leads to no other host", async () => {
    for (const next of ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/api/openapi.json"]) {
      const tab = await scene.tab();
      await tab.page.goto(`/admin/login?next=${encodeURIComponent(next)}`);
      await tab.page.getByLabel("Username").fill("uma");
      await tab.page.getByLabel("Password").fill(PASSWORD);
      await tab.page.keyboard.press("Enter");
      await tab.page.getByRole("heading", { name: "Overview" }).waitFor();
      assert.equal(tab.page.url(), `${scene.url}/admin/`);
      await tab.close();
    }
  });

  test("the token of a login is in no place that scripts can read", async () => {
    const tab = await scene.tab();
    await tab.login("uma", PASSWORD);
    const seen = await tab.page.evaluate(() => JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]));
    assert.equal(seen, `["",{},{}]`);
    await tab.close();
  });

  test("somebody with few rights sees what they may, and is told what they may not", async () => {
    const tab = await scene.tab({ allow: [/403 .*(users|roles)/] });
    await tab.login("uma", PASSWORD);
    const names = await tab.page.getByRole("navigation", { name: "Pages" }).getByRole("link").allInnerTexts();
    assert.deepEqual(names, ["Overview", "Apps", "Jobs", "Notifications", "Tokens", "Interface", "About"]);
    await tab.open("/admin/users");
    await tab.page.getByRole("alert").getByText("You may not see this").waitFor();
    await tab.screenshot("forbidden");
    await tab.close();
  });

  test("everything is reached by keyboard", async () => {
    const tab = await scene.tab();
    await tab.login("admin", PASSWORD);
    await tab.open("/admin/apps");
    await tab.page.keyboard.press("Tab");
    assert.equal(await tab.page.evaluate("document.activeElement.textContent"), "Skip to the page");
    await tab.screenshot("keyboard-skip");
    await tab.page.keyboard.press("Enter");
    await tab.page.keyboard.press("Tab");
    assert.equal(await tab.page.evaluate("document.activeElement.textContent"), "Deploy");
    await tab.page.keyboard.press("Enter");
    await tab.page.getByRole("heading", { name: "Deploy an app" }).waitFor();
    // Where a page begins is where one reads on.
    assert.equal(await tab.page.evaluate("document.activeElement.tagName"), "H1");
    await tab.page.goBack();
    await tab.page.getByRole("heading", { name: "Apps" }).waitFor();
    await tab.close();
  });

  test("on a phone the pages are behind a button that Escape closes", async () => {
    const tab = await scene.tab({ phone: true });
    await tab.login("admin", PASSWORD);
    const menu = tab.page.getByRole("button", { name: "Pages" });
    const audit = tab.page.getByRole("link", { name: "Audit" });
    assert.equal(await audit.isVisible(), false);
    await menu.click();
    await audit.waitFor();
    assert.equal(await menu.getAttribute("aria-expanded"), "true");
    await tab.accessible("menu on a phone");
    await tab.screenshot("menu-phone");
    await tab.page.keyboard.press("Escape");
    await audit.waitFor({ state: "hidden" });
    await menu.click();
    await audit.click();
    await tab.page.getByRole("heading", { name: "Audit" }).waitFor();
    await audit.waitFor({ state: "hidden" });
    await tab.close();
  });

  test("the theme that was chosen stays", async () => {
    const tab = await scene.tab();
    await tab.login("admin", PASSWORD);
    const ground = () => tab.page.evaluate("getComputedStyle(document.body).backgroundColor");
    const light = await ground();
    await tab.page.getByRole("button", { name: "Theme: system" }).click();
    await tab.page.getByRole("button", { name: "Theme: light" }).click();
    const dark = await ground();
    assert.notEqual(dark, light);
    await tab.open("/admin/about");
    assert.equal(await ground(), dark);
    await tab.close();
  });
}
