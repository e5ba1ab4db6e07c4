(function () {
  "use strict";

  var root = document.querySelector(".nr-app") || document.body;

  async function syncCall(body) {
    const res = await fetch("/api/sync/app_hello_world", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const data = await res.json();
    if (!res.ok) throw new Error(data.error || `HTTP ${res.status}`);
    return data;
  }

  root.addEventListener("click", function (event) {
    if (event.target.dataset.action === "greet") {
      syncCall({ action: "greet", name: "Ann" }).then(function () {
        if (window.AdminWS) AdminWS.showToast("success", "Done");
      });
    }
  });
})();
