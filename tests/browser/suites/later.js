// Jobs and schedules.

import { test } from "node:test";
import assert from "node:assert/strict";
import { PASSWORD } from "../lib/server.js";

export function later(scene) {
  test("a job's end is seen without loading the page again", async () => {
    const tab = await scene.tab();
    const { page } = tab;
    await tab.login("admin", PASSWORD);
    await tab.open("/admin/jobs?status=completed");
    const rows = page.getByRole("table", { name: "Jobs" }).getByRole("row");
    const before = await rows.count();
    await scene.admin.send("POST", "/api/async/hostile", {});
    await rows.nth(before).waitFor();
    await rows.nth(1).getByRole("link").first().click();
    await page.getByRole("heading", { name: "Result" }).waitFor();
    await page.getByText(`"done": true`).waitFor();
    await tab.close();
  });

  test("a job that failed is tried again", async () => {
    const tab = await scene.tab();
    const { page } = tab;
    await tab.login("admin", PASSWORD);
    await tab.open("/admin/jobs?status=failed");
    const { jobs } = await scene.admin.send("GET", "/api/jobs?status=failed");
    await page.getByRole("button", { name: `Try again: job ${jobs[0].id}` }).click();
    await page.getByText("The job waits again").waitFor();
    await scene.admin.ended();
    const { attempts } = await scene.admin.send("GET", `/api/jobs/${jobs[0].id}`);
    assert.equal(attempts.length, 2);
    await tab.close();
  });

  test("a schedule is paused, run, and resumed", async () => {
    const tab = await scene.tab();
    const { page } = tab;
    await tab.login("admin", PASSWORD);
    await tab.open("/admin/schedules");
    await page.getByRole("button", { name: "Pause nightly of hostile" }).click();
    await page.getByText("nightly is paused").waitFor();
    const state = async () => (await scene.admin.send("GET", "/api/apps/hostile/schedules/nightly")).state;
    assert.equal(await state(), "paused");
    await page.getByRole("button", { name: "Resume nightly of hostile" }).click();
    await page.getByText("nightly is resumed").waitFor();
    assert.equal(await state(), "active");
    await page.getByRole("button", { name: "Run now: nightly of hostile" }).click();
    await page.getByRole("heading", { name: /^Job / }).waitFor();
    // It fails, and the page that is open says so.
    await page.getByRole("heading", { name: "What went wrong" }).waitFor();
    await tab.close();
  });
}
