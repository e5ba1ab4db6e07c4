// Before anything is drawn: the theme that was chosen, where it is not the system's.
(() => {
  "use strict";
  let chosen = null;
  try {
    chosen = localStorage.getItem("skep-theme");
  } catch {
    // A browser that keeps nothing for us: the system's theme it is.
  }
  if (chosen === "light" || chosen === "dark") {
    document.documentElement.dataset.theme = chosen;
  }
})();
