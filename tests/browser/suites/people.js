// Users, roles, tokens and the audit log, as who looks after them uses them.

import { test } from "node:test";
import assert from "node:assert/strict";
import { Client, PASSWORD } from "../lib/server.js";

export function people(scene) {
  test("a user is added, given a role, disabled, and deleted by typing the name", async () => {
    const tab = await scene.tab({ allow: [/400 .*users/] });
    const { page } = tab;
    await tab.login("admin", PASSWORD);
    await tab.open("/admin/users");
    await page.getByRole("button", { name: "Add a user" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Username").fill("nina");
    await dialog.getByLabel("Password").fill("short");
    await tab.accessible("add a user");
    await dialog.getByRole("button", { name: "Add" }).click();
    // What does not fit is said in the dialog, and what was typed stays.
    await dialog.getByRole("alert").waitFor();
    await tab.screenshot("dialog-error");
    await dialog.getByLabel("Password").fill(PASSWORD);
    await dialog.getByRole("button", { name: "Add" }).click();
    await page.getByRole("heading", { name: "nina" }).waitFor();

    await page.getByLabel("deployer").check();
    await page.getByRole("button", { name: "Save roles" }).click();
    await page.getByText("The roles are saved").waitFor();
    const { roles } = await scene.admin.send("GET", "/admin/api/users/nina");
    assert.deepEqual(roles.sort(), ["deployer", "user"]);

    await page.getByRole("button", { name: "Disable" }).click();
    await dialog.getByRole("button", { name: "Disable" }).click();
    await page.getByText("nina is disabled").waitFor();

    await page.getByRole("button", { name: "Delete" }).click();
    const go = dialog.getByRole("button", { name: "Delete", exact: true });
    assert.equal(await go.isDisabled(), true);
    await dialog.getByRole("textbox").fill("nin");
    assert.equal(await go.isDisabled(), true);
    await dialog.getByRole("textbox").fill("nina");
    await tab.screenshot("dialog-confirm");
    await go.click();
    await page.getByRole("heading", { name: "Users" }).waitFor();
    const { users } = await scene.admin.send("GET", "/admin/api/users");
    assert.ok(!users.some(({ username }) => username === "nina"));
    await tab.close();
  });

  test("a role is added and changed", async () => {
    const tab = await scene.tab();
    const { page } = tab;
    await tab.login("admin", PASSWORD);
    await tab.open("/admin/roles");
    await page.getByRole("button", { name: "Add a role" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("seller");
    await dialog.getByLabel("Permissions").fill("sales:read\nsales:write");
    await dialog.getByRole("button", { name: "Add" }).click();
    await page.getByText("The role seller is saved").waitFor();
    await page.getByRole("button", { name: "Change seller" }).click();
    await dialog.getByLabel("Permissions").fill("sales:*");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByRole("cell", { name: "sales:*" }).waitFor();
    await tab.close();
  });

  test("a token is shown once, works, and is revoked", async () => {
    const tab = await scene.tab();
    const { page } = tab;
    await tab.login("admin", PASSWORD);
    await tab.open("/admin/tokens");
    await page.getByRole("button", { name: "Make a token" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("What it is for").fill("the till");
    await dialog.getByRole("button", { name: "Make it" }).click();
    const secret = await dialog.locator(".secret").innerText();
    await tab.accessible("a new token");
    await tab.screenshot("dialog-token");
    await dialog.getByRole("button", { name: "Done" }).click();
    assert.equal((await new Client(scene.url, secret).send("GET", "/api/auth/me")).via, "token");

    await tab.open("/admin/tokens");
    assert.ok(!(await page.content()).includes(secret));
    await page.getByRole("table", { name: "Your tokens" }).getByRole("button", { name: "Revoke the till" }).click();
    await dialog.getByRole("button", { name: "Revoke" }).click();
    await page.getByText("The token the till was revoked").waitFor();
    await assert.rejects(new Client(scene.url, secret).send("GET", "/api/auth/me"), /401/);
    await tab.close();
  });

  test("the audit log is filtered, opened and verified", async () => {
    const tab = await scene.tab();
    const { page } = tab;
    await tab.login("admin", PASSWORD);
    await tab.open("/admin/audit");
    await page.getByLabel("Done by").fill("dora");
    await page.getByRole("button", { name: "Filter" }).click();
    await page.waitForURL(/actor=dora/);
    const table = page.getByRole("table", { name: "Entries" });
    // Both are there before the filter works.
    await table.getByRole("cell", { name: "role.create" }).first().waitFor({ state: "detached" });
    await table.getByRole("cell", { name: "app.hold" }).first().waitFor();
    await table.locator("summary").first().click();
    await page.getByRole("button", { name: "Verify" }).click();
    await page.getByText("The log is whole").waitFor();
    await tab.accessible("audit, verified");
    await tab.screenshot("audit-verified");
    await tab.close();
  });

  test("one changes one's own password", async () => {
    const tab = await scene.tab();
    const { page } = tab;
    await tab.login("uma", PASSWORD);
    await tab.open("/admin/account");
    const send = page.getByRole("button", { name: "Change it" });
    await page.getByLabel("Old password").fill(PASSWORD);
    await page.getByLabel("New password", { exact: true }).fill("another of one's own");
    assert.equal(await send.isDisabled(), true);
    await page.getByLabel("New password, once more").fill("another of one's own");
    await send.click();
    await page.getByText("Your password is changed").waitFor();
    await Client.login(scene.url, "uma", "another of one's own");
    await scene.admin.send("POST", "/admin/api/users/uma/password", { password: PASSWORD });
    await tab.close();
  });
}
