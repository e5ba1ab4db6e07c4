// Which page an address means. Addresses are paths below /admin/, so that they can be sent
// to others and opened again.

const routes = [];
let draw = async () => {};

/** `pattern` is a path below /admin/, with `:name` for its parameters. */
export function route(pattern, load, about) {
  const names = [];
  const source = pattern.replace(/:(\w+)/g, (_, name) => {
    names.push(name);
    return "([^/]+)";
  });
  routes.push({ match: new RegExp(`^/admin/${source}$`), names, load, about });
}

function find(pathname) {
  for (const { match, names, load, about } of routes) {
    const found = match.exec(pathname);
    if (!found) continue;
    try {
      const params = Object.fromEntries(names.map((name, index) => [name, decodeURIComponent(found[index + 1])]));
      return { load, about, params };
    } catch {
      return null;
    }
  }
  return null;
}

/** Goes to an address of ours. */
export function go(url, { replace = false } = {}) {
  if (replace) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  return show({ moved: true });
}

/** Draws the page of the present address anew. */
export function show({ moved = false } = {}) {
  const pathname = location.pathname.replace(/(.)\/$/, "$1");
  const found = find(pathname === "/admin" ? "/admin/" : pathname);
  return draw(found, { query: new URLSearchParams(location.search), moved });
}

/** Puts parameters into the address without going anywhere. */
export function remember(query) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === "") url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  history.replaceState(null, "", url);
}

export function start(drawPage) {
  draw = drawPage;
  addEventListener("popstate", () => show({ moved: true }));
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || link.target || link.hasAttribute("download")) return;
    if (!url.pathname.startsWith("/admin/") || url.hash) return;
    event.preventDefault();
    go(url.pathname + url.search);
  });
  return show({ moved: false });
}
