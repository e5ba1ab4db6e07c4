// The bar above an app: other apps, the theme, logging out. Texts go in as texts.
(() => {
  "use strict";
  const bar = document.querySelector(".skep-bar");
  const here = bar.dataset.skepApp;

  const element = (tag, className, text) => {
    const made = document.createElement(tag);
    made.className = className;
    made.textContent = text;
    return made;
  };

  const ask = async (url) => {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    return response.json();
  };

  const gives = (own, asked) => own === "*" || own === asked || own === `${asked.split(":")[0]}:*`;

  async function fillApps(list) {
    let items;
    try {
      const [{ apps }, { permissions }] = await Promise.all([ask("/admin/api/apps"), ask("/api/auth/me")]);
      const may = (app) => !app.required_permission || permissions.some((own) => gives(own, app.required_permission));
      items = apps
        .filter((app) => app.enabled && app.frontend && may(app))
        .map((app) => {
          const link = element("a", "dropdown-item", app.display_name || app.name);
          link.href = `/apps/${encodeURIComponent(app.name)}/`;
          if (app.name === here) {
            link.classList.add("active");
            link.setAttribute("aria-current", "page");
          }
          return link;
        });
      if (items.length === 0) items = [element("span", "skep-note", "No app has a page for you")];
    } catch {
      items = [element("span", "skep-note", "The apps cannot be listed now")];
    }
    const all = element("a", "dropdown-item", "All apps");
    all.href = "/admin/apps";
    const line = element("hr", "dropdown-divider", "");
    list.replaceChildren(...[...items, line, all].map((item) => {
      const row = element("li", "", "");
      row.append(item);
      return row;
    }));
  }

  bar.querySelector(".skep-switch").addEventListener("show.bs.dropdown", () => fillApps(bar.querySelector(".skep-apps")));

  const themes = ["system", "light", "dark"];
  const button = bar.querySelector(".skep-theme");
  const theme = () => {
    const chosen = localStorage.getItem("skep-theme");
    return themes.includes(chosen) ? chosen : "system";
  };
  const name = () => {
    button.setAttribute("aria-label", `Theme: ${theme()}`);
    button.title = `Theme: ${theme()}`;
  };
  button.addEventListener("click", () => {
    localStorage.setItem("skep-theme", themes[(themes.indexOf(theme()) + 1) % themes.length]);
    name();
    dispatchEvent(new Event("skep:theme"));
  });
  name();

  bar.querySelector(".skep-leave").addEventListener("click", async () => {
    const response = await fetch("/api/auth/logout", { method: "POST" });
    if (response.ok || response.status === 401) location.assign("/admin/login");
    else AdminWS.showToast("error", `You could not be logged out: status ${response.status}`);
  });
})();
