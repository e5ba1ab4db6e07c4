// What stands around every page: where one can go, who one is, light or dark.

import { api } from "../lib/api.js";
import { h } from "../lib/h.js";
import { current, forget, mayAny } from "../lib/session.js";
import { go } from "../lib/router.js";
import { icon } from "./icon.js";
import { button } from "./parts.js";
import { attempt } from "./toast.js";

// Title, address, icon, and the permissions of which one is enough.
const GROUPS = [
  ["Run", [
    ["Overview", "/admin/", "overview", []],
    ["Apps", "/admin/apps", "apps", []],
    ["Calls", "/admin/calls", "calls", ["skep:apps", "skep:read"]],
    ["Jobs", "/admin/jobs", "jobs", []],
    ["Schedules", "/admin/schedules", "schedules", ["skep:apps", "skep:read"]],
    ["Logs", "/admin/logs", "logs", ["skep:logs", "skep:apps", "skep:read"]],
    ["Notifications", "/admin/notifications", "notifications", []],
  ]],
  ["Access", [
    ["Users", "/admin/users", "users", ["skep:users"]],
    ["Roles", "/admin/roles", "roles", ["skep:users"]],
    ["Tokens", "/admin/tokens", "tokens", []],
  ]],
  ["Host", [
    ["Audit", "/admin/audit", "audit", ["skep:audit"]],
    ["System", "/admin/system", "server", ["skep:apps", "skep:read"]],
    ["Interface", "/admin/api-docs", "interface", []],
    ["About", "/admin/about", "about", []],
  ]],
];

const THEMES = ["system", "light", "dark"];

/** Builds the frame. What comes back is where pages go, and what to call after each. */
export function layout(files) {
  const main = h("main", { id: "main", tabindex: "-1" });
  const links = [];
  const drawer = h("nav", { class: "side-nav", id: "navigation", "aria-label": "Pages" }, groups(links));
  const toggle = h("button", {
    type: "button", class: "button ghost icon-only menu-button", "aria-label": "Pages",
    "aria-expanded": "false", "aria-controls": "navigation",
  }, icon("menu"));
  const frame = h("div", { class: "frame" },
    h("a", { class: "skip", href: "#main" }, "Skip to the page"),
    h("header", { class: "side" },
      h("div", { class: "brand" }, toggle,
        h("a", { href: "/admin/" }, h("img", { src: `${files}/icon.svg`, alt: "", width: 24, height: 24 }), "Skep")),
      drawer,
      h("div", { class: "side-foot" },
        h("a", { href: "/admin/account", class: "who" }, icon("account"), h("span", {}, current().username)),
        h("div", { class: "side-tools" }, themeButton(), button("", { image: "logout", kind: "ghost icon-only", label: "Log out", act: logOut })))),
    main);
  const open = (yes) => {
    frame.classList.toggle("open", yes);
    toggle.setAttribute("aria-expanded", String(yes));
  };
  toggle.addEventListener("click", () => open(!frame.classList.contains("open")));
  frame.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && frame.classList.contains("open")) {
      open(false);
      toggle.focus();
    }
  });
  frame.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });

  return {
    frame,
    main,
    moved(pathname) {
      open(false);
      for (const [link, href] of links) {
        const here = href === "/admin/" ? pathname === href : pathname === href || pathname.startsWith(`${href}/`);
        if (here) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
    },
  };
}

function groups(links) {
  return GROUPS.map(([title, items]) => {
    const seen = items.filter(([, , , permissions]) => permissions.length === 0 || mayAny(...permissions));
    if (seen.length === 0) return null;
    return h("div", { class: "nav-group" },
      h("p", { class: "nav-title" }, title),
      h("ul", {}, seen.map(([text, href, image]) => {
        const link = h("a", { href }, icon(image), text);
        links.push([link, href]);
        return h("li", {}, link);
      })));
  });
}

function themeButton() {
  const theme = () => document.documentElement.dataset.theme ?? "system";
  const name = (key) => `Theme: ${key}`;
  const self = button("", {
    image: theme(), kind: "ghost icon-only", label: name(theme()),
    act: () => {
      const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
      if (next === "system") delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = next;
      localStorage.setItem("skep-theme", next);
      self.setAttribute("aria-label", name(next));
      self.replaceChildren(icon(next));
    },
  });
  return self;
}

async function logOut() {
  if (await attempt(() => api.post("/api/auth/logout"))) {
    forget();
    go("/admin/login");
  }
}
