// What keeps a text from becoming a script: that the pages make none, and that the browser is
// told to run none.

import { test } from "node:test";
import assert from "node:assert/strict";
import { PASSWORD } from "../lib/server.js";

export function walls(scene) {
  test("texts of authors and users are shown as texts", async () => {
    const tab = await scene.tab();
    await tab.login("admin", PASSWORD);
    const seen = {
      "/admin/apps": "Hostile <img src=x onerror",
      "/admin/apps/hostile": "A description <img src=x",
      "/admin/apps/hostile/settings": "Greeting <img src=x",
      "/admin/apps/hostile/credentials": "For the ERP <img src=x",
      "/admin/calls": "the app failed <img src=x",
      "/admin/jobs": "the job failed <img src=x",
      "/admin/logs": "a line <img src=x",
      "/admin/notifications": "Fired <img src=x",
      "/admin/roles": "Deploys <img src=x",
      "/admin/tokens": "For <img src=x",
      "/admin/audit": "name For <img src=x",
    };
    for (const [path, text] of Object.entries(seen)) {
      await tab.open(path);
      assert.ok((await tab.page.innerText("main")).includes(text), `${path} does not show ${text}`);
      assert.equal(await tab.page.locator("main :is(img, script, iframe)").count(), 0, path);
    }
    await tab.open("/admin/apps/hostile");
    const text = await tab.page.innerText("main");
    assert.ok(text.includes("\\u202eturned around"), "what turns a text around is shown as what it is");
    await tab.close();
  });

  test("even a page with a mistake could run no script of a text", async () => {
    const tab = await scene.tab({ allow: [/Trusted(HTML|Script)/, /Content Security Policy/, /content security policy/i] });
    await tab.login("admin", PASSWORD);
    const outcome = await tab.page.evaluate(async () => {
      // What a debugger evaluates may do more than a page: until it gives way.
      await new Promise((later) => { setTimeout(later); });
      const tries = {
        html: () => { document.createElement("div").innerHTML = "<img src=x onerror=alert(1)>"; },
        handler: () => document.body.setAttribute("onclick", "alert(1)"),
        code: () => new Function("return 1")(),
        document: () => document.write("<p>"),
        policy: () => trustedTypes.createPolicy("default", { createHTML: (text) => text }),
      };
      const refused = {};
      for (const [name, act] of Object.entries(tries)) {
        try {
          act();
          refused[name] = false;
        } catch {
          refused[name] = true;
        }
      }
      const script = document.createElement("script");
      try {
        script.textContent = "window.ran = true";
        document.body.append(script);
      } catch {
        // As good.
      }
      document.body.click();
      const style = document.createElement("style");
      style.textContent = "body { opacity: 0.5 }";
      document.head.append(style);
      const elsewhere = await fetch("https://other.example/", { mode: "no-cors" }).then(() => "sent", () => "refused");
      return { refused, ran: Boolean(window.ran), opacity: getComputedStyle(document.body).opacity, elsewhere };
    });
    assert.deepEqual(outcome, {
      refused: { html: true, handler: true, code: true, document: true, policy: true },
      ran: false,
      opacity: "1",
      elsewhere: "refused",
    });
    await tab.close();
  });

  test("no page of another site can frame these", async () => {
    const tab = await scene.tab({ allow: [/frame-ancestors/i, /X-Frame-Options/i] });
    await tab.page.route("**/frame.html", (route) => route.fulfill({ contentType: "text/html", body: `<iframe src="/admin/login"></iframe>` }));
    await tab.page.goto("/frame.html");
    await tab.page.waitForFunction("frames.length === 1");
    const frame = tab.page.frames()[1];
    await frame.waitForLoadState();
    assert.equal(await frame.locator("form").count(), 0);
    await tab.close();
  });

  test("the first page is small", async () => {
    const tab = await scene.tab();
    const sizes = [];
    tab.page.on("response", (response) => sizes.push(response.request().sizes().then(({ responseBodySize }) => responseBodySize)));
    await tab.login("admin", PASSWORD);
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    assert.ok(bytes > 10_000 && bytes < 300_000, `${bytes} bytes`);
    await tab.close();
  });
}
