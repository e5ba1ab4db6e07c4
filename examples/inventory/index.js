(function () {
  "use strict";

  var root = document.querySelector(".nr-app") || document.body;
  var message = root.querySelector("#inventory-message");
  var rows = root.querySelector("#inventory-rows");

  async function call(action, fields) {
    const res = await fetch("/api/sync/inventory", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ action, ...fields }),
    });
    if (res.status === 403) throw new Error("You may not use this app.");
    const data = await res.json();
    if (!res.ok || data.error) throw new Error(data.error || `HTTP ${res.status}`);
    return data;
  }

  function say(text, failed) {
    message.textContent = text;
    message.classList.toggle("inventory-failed", Boolean(failed));
  }

  function cell(row, text) {
    var td = document.createElement("td");
    td.textContent = text;
    row.appendChild(td);
    return td;
  }

  function draw(items) {
    rows.replaceChildren();
    items.forEach(function (item) {
      var row = document.createElement("tr");
      row.classList.toggle("inventory-short", item.total < item.minimum);
      cell(row, item.name);
      cell(row, item.price);
      cell(row, item.minimum);
      var places = Object.entries(item.places).map(([place, n]) => `${place}: ${n}`);
      cell(row, places.join(", ") || "none");
      var button = document.createElement("button");
      button.type = "button";
      button.className = "btn btn-sm btn-outline-danger";
      button.dataset.action = "delete";
      button.dataset.id = item.id;
      button.textContent = "Delete";
      cell(row, "").appendChild(button);
      rows.appendChild(row);
    });
    root.querySelectorAll(".inventory-choice").forEach(function (select) {
      var chosen = select.value;
      select.replaceChildren(...items.map((item) => new Option(item.name, item.id)));
      if (chosen) select.value = chosen;
    });
  }

  async function refresh() {
    const data = await call("list");
    draw(data.items);
  }

  async function act(action, fields) {
    try {
      await call(action, fields);
      say("Done.");
      await refresh();
    } catch (error) {
      say(error.message, true);
    }
  }

  root.addEventListener("submit", function (event) {
    event.preventDefault();
    act(event.target.dataset.action, Object.fromEntries(new FormData(event.target)));
  });

  root.addEventListener("click", function (event) {
    var button = event.target.closest('[data-action="delete"]');
    if (button) act("delete", { id: button.dataset.id });
  });

  refresh().catch((error) => say(error.message, true));
})();
