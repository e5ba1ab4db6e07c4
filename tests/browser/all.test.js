// The admin pages and the libraries in a real browser, against a real server. One server and one
// browser for all of them: `npm test`, or scripts/browser.sh.

import { after, before, describe } from "node:test";
import { mkdir } from "node:fs/promises";
import { launch, openTab, SHOTS } from "./lib/browser.js";
import { world } from "./lib/world.js";
import { access } from "./suites/access.js";
import { apps } from "./suites/apps.js";
import { dev } from "./suites/dev.js";
import { later } from "./suites/later.js";
import { libraries } from "./suites/libraries.js";
import { looks } from "./suites/looks.js";
import { people } from "./suites/people.js";
import { operating } from "./suites/operating.js";
import { shell } from "./suites/shell.js";
import { walls } from "./suites/walls.js";

describe("in a browser", { concurrency: false }, () => {
  const scene = {};

  before(async () => {
    await mkdir(SHOTS, { recursive: true });
    await world(scene);
    scene.browser = await launch();
    scene.tab = (options) => openTab(scene.browser, scene.url, options);
  });

  after(async () => {
    await scene.browser?.close();
    await scene.server?.stop();
  });

  describe("looks", () => looks(scene));
  describe("access", () => access(scene));
  describe("walls", () => walls(scene));
  describe("libraries", () => libraries(scene));
  describe("operating", () => operating(scene));
  describe("the shell", () => shell(scene));
  describe("people", () => people(scene));
  describe("jobs and schedules", () => later(scene));
  describe("apps", () => apps(scene));
  describe("an app under development", () => dev(scene));
});
