// Begins: who is logged in, and which page the address means.

import { whenUnauthenticated } from "./lib/api.js";
import { fill, h } from "./lib/h.js";
import { go, route, start } from "./lib/router.js";
import { current, forget, load } from "./lib/session.js";
import { layout } from "./kit/layout.js";
import { empty, failure, linkButton, loading, pageHead } from "./kit/parts.js";
import { mountToasts } from "./kit/toast.js";

route("", () => import("./pages/overview.js"), "Overview");
route("login", () => import("./pages/login.js"), "Log in");
route("account", () => import("./pages/account.js"), "Account");
route("apps", () => import("./pages/apps.js"), "Apps");
route("deploy", () => import("./pages/deploy.js"), "Deploy");
route("write", () => import("./pages/write.js"), "Write an app");
route("apps/:app", () => import("./pages/app.js"), "App");
route("apps/:app/releases/:number", () => import("./pages/release.js"), "Release");
route("apps/:app/:tab", () => import("./pages/app.js"), "App");
route("calls", () => import("./pages/calls.js"), "Calls");
route("calls/:app/:id", () => import("./pages/call.js"), "Call");
route("jobs", () => import("./pages/jobs.js"), "Jobs");
route("jobs/:id", () => import("./pages/job.js"), "Job");
route("schedules", () => import("./pages/schedules.js"), "Schedules");
route("logs", () => import("./pages/logs.js"), "Logs");
route("notifications", () => import("./pages/notifications.js"), "Notifications");
route("users", () => import("./pages/users.js"), "Users");
route("users/:username", () => import("./pages/user.js"), "User");
route("roles", () => import("./pages/roles.js"), "Roles");
route("tokens", () => import("./pages/tokens.js"), "Tokens");
route("audit", () => import("./pages/audit.js"), "Audit");
route("system", () => import("./pages/system.js"), "System");
route("nodes", () => import("./pages/system.js"), "System");
route("api-docs", () => import("./pages/api-docs.js"), "Interface");
route("about", () => import("./pages/about.js"), "About");

const { files } = document.body.dataset;
let frame = null;
let leaving = new AbortController();

const loginAddress = () => {
  const here = location.pathname + location.search;
  return here === "/admin/" ? "/admin/login" : `/admin/login?next=${encodeURIComponent(here)}`;
};

whenUnauthenticated(() => {
  if (!current()) return;
  forget();
  go(loginAddress(), { replace: true });
});

async function draw(found, { query, moved }) {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const login = location.pathname === "/admin/login";
  if (!current() && !login && !(await load())) {
    await go(loginAddress(), { replace: true });
    return;
  }
  if (login) {
    frame = null;
    const page = await found.load();
    fill(document.body, page.default({ query }));
    mountToasts();
    document.title = "Log in · Skep";
    document.querySelector("input").focus();
    return;
  }
  if (!frame) {
    frame = layout(files);
    fill(document.body, frame.frame);
    mountToasts();
  }
  frame.moved(location.pathname);
  await drawPage(found, { query, moved, signal });
}

async function drawPage(found, { query, moved, signal }) {
  const { main } = frame;
  delete main.dataset.ready;
  const wait = setTimeout(() => !signal.aborted && fill(main, loading()), 150);
  let content;
  try {
    if (found) {
      const page = await found.load();
      content = await page.default({ params: found.params, query, signal });
    } else {
      content = [pageHead({ title: "Not here" }),
        empty("There is no such page", "The address may be mistyped, or from another version of Skep.",
          linkButton("Overview", "/admin/", { kind: "primary" }))];
    }
  } catch (error) {
    content = [pageHead({ title: found?.about ?? "Skep" }), failure(error, () => drawPage(found, { query, moved, signal }))];
  }
  clearTimeout(wait);
  if (signal.aborted) return;
  fill(main, content);
  const heading = main.querySelector("h1");
  document.title = `${heading?.textContent ?? found?.about} · Skep`;
  main.dataset.ready = location.pathname + location.search;
  main.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  if (moved) {
    scrollTo(0, 0);
    heading?.focus({ preventScroll: true });
  }
}

start(draw).catch((error) => fill(document.body, h("main", {}, failure(error, () => location.reload()))));
