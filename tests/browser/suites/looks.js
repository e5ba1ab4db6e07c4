// How every page looks: accessible in light and dark, and not wider than a phone.

import { test } from "node:test";
import assert from "node:assert/strict";
import { PASSWORD } from "../lib/server.js";

const PAGES = {
  overview: "/admin/",
  apps: "/admin/apps",
  "app-summary": "/admin/apps/hostile",
  "app-releases": "/admin/apps/hostile/releases",
  "app-grants": "/admin/apps/hostile/grants",
  "app-settings": "/admin/apps/hostile/settings",
  "app-credentials": "/admin/apps/hostile/credentials",
  "app-danger": "/admin/apps/hostile/danger",
  release: "/admin/apps/hostile/releases/1",
  deploy: "/admin/deploy",
  write: "/admin/write",
  "write-javascript": "/admin/write?template=javascript",
  "calls-failed": "/admin/calls",
  "calls-newest": "/admin/calls?show=newest&app=inventory",
  "calls-none": "/admin/calls?app=inventory",
  jobs: "/admin/jobs",
  "jobs-none": "/admin/jobs?app=inventory",
  schedules: "/admin/schedules",
  logs: "/admin/logs",
  "logs-none": "/admin/logs?q=nothing%20like%20this",
  notifications: "/admin/notifications",
  system: "/admin/system",
  "api-docs": "/admin/api-docs",
  users: "/admin/users",
  user: "/admin/users/dora",
  roles: "/admin/roles",
  tokens: "/admin/tokens",
  audit: "/admin/audit",
  account: "/admin/account",
  about: "/admin/about",
  missing: "/admin/nothing/here",
  "missing-app": "/admin/apps/nothing",
};

export function looks(scene) {
  for (const [kind, options] of Object.entries({ light: {}, dark: { dark: true }, phone: { phone: true } })) {
    test(`every page is fit to be used, ${kind}`, async () => {
      // An app that is not there is an answer of the server's that a browser notes as an error.
      const tab = await scene.tab({ ...options, allow: [/404 .*apps\/nothing/] });
      await tab.page.goto("/admin/login");
      await tab.page.waitForSelector("form");
      await tab.accessible("login");
      await tab.screenshot(`login-${kind}`);
      await tab.login("admin", PASSWORD);
      const { calls } = await scene.admin.send("GET", "/api/calls?outcome=failed&app=hostile");
      const { jobs } = await scene.admin.send("GET", "/api/jobs?status=failed");
      const some = { call: `/admin/calls/hostile/${calls[0].id}`, job: `/admin/jobs/${jobs[0].id}` };
      for (const [name, path] of Object.entries({ ...PAGES, ...some })) {
        await tab.open(path);
        // Charts are drawn once they have their place.
        await tab.page.waitForSelector("main:not(:has(.chart:not([data-drawn])))");
        await tab.screenshot(`${name}-${kind}`);
        await tab.accessible(`${name}, ${kind}`);
        assert.equal(await tab.overflow(), 0, `${name} is wider than the screen`);
      }
      await tab.close();
    });
  }
}
