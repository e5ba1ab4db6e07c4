(function () {
  "use strict";

  // The shell puts the page into .nr-app; opened by itself, there is only the body.
  var root = document.querySelector(".nr-app") || document.body;
  var form = root.querySelector("#<prefix>-form");
  var name = root.querySelector("#<prefix>-name");
  var list = root.querySelector("#<prefix>-list");
  var message = root.querySelector("#<prefix>-message");

  async function syncCall(body) {
    var res = await fetch("/api/sync/<slug>", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    var text = await res.text();
    var data;
    try {
      data = JSON.parse(text);
    } catch (_) {
      throw new Error("HTTP " + res.status);
    }
    if (!res.ok || data.error) throw new Error(data.error || "HTTP " + res.status);
    return data;
  }

  function draw(rows) {
    list.replaceChildren.apply(
      list,
      rows.map(function (row) {
        var item = document.createElement("li");
        item.className = "list-group-item";
        // As text, never as HTML: a name may hold anything.
        item.textContent = row.name;
        return item;
      })
    );
  }

  async function attempt(work) {
    message.textContent = "";
    try {
      await work();
    } catch (error) {
      message.textContent = error.message;
    }
  }

  async function load() {
    draw((await syncCall({ action: "list" })).rows);
  }

  form.addEventListener("submit", function (event) {
    event.preventDefault();
    attempt(async function () {
      await syncCall({ action: "create", name: name.value });
      form.reset();
      await load();
    });
  });

  attempt(load);
})();
