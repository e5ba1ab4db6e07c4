// Before anything is drawn: light or dark, as it was chosen, else as the system has it.
(() => {
  "use strict";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try {
      return localStorage.getItem("skep-theme");
    } catch {
      // A browser that keeps nothing for us.
      return null;
    }
  };
  const apply = () => {
    const wish = chosen();
    const known = wish === "light" || wish === "dark";
    document.documentElement.dataset.bsTheme = known ? wish : system.matches ? "dark" : "light";
  };
  apply();
  system.addEventListener("change", apply);
  addEventListener("storage", apply);
  addEventListener("skep:theme", apply);
})();
