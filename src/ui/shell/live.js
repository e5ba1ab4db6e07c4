// Loads the page again when its app was deployed again, and shows why a deploy failed. Only a
// server that `skep dev` runs has it.
(() => {
  "use strict";
  const here = document.querySelector(".skep-bar").dataset.skepApp;
  const isOurs = (event) => !here || JSON.parse(event.data).app === here;
  let wasThere = false;

  const show = (why) => {
    const shown = document.querySelector(".skep-failed") ?? document.createElement("section");
    shown.className = "skep-failed";
    shown.setAttribute("role", "alert");
    const head = document.createElement("h2");
    head.textContent = "The last change does not run; this is the one before";
    const text = document.createElement("pre");
    text.textContent = why;
    shown.replaceChildren(head, text);
    document.body.append(shown);
  };

  const news = new EventSource("/dev/news");
  news.addEventListener("deployed", (event) => {
    if (isOurs(event)) location.reload();
  });
  news.addEventListener("failed", (event) => {
    if (isOurs(event)) show(JSON.parse(event.data).why);
  });
  news.addEventListener("open", () => {
    // The server was away: whatever it serves now, this page is older.
    if (wasThere) location.reload();
    wasThere = true;
  });
})();
