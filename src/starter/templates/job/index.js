(function () {
  "use strict";

  // The shell puts the page into .nr-app; opened by itself, there is only the body.
  var root = document.querySelector(".nr-app") || document.body;
  var form = root.querySelector("#<prefix>-form");
  var steps = root.querySelector("#<prefix>-steps");
  var start = root.querySelector("#<prefix>-start");
  var bar = root.querySelector("#<prefix>-bar");
  var list = root.querySelector("#<prefix>-list");
  var message = root.querySelector("#<prefix>-message");

  async function request(path, body) {
    var res = await fetch(path, body && {
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

  function pause(milliseconds) {
    return new Promise(function (over) {
      setTimeout(over, milliseconds);
    });
  }

  // A job is pending, running, completed or failed.
  async function finished(id) {
    for (;;) {
      var job = await request("/api/async/jobs/" + id);
      bar.style.width = job.progress + "%";
      if (job.status === "completed") return job.result;
      if (job.status === "failed") throw new Error(job.error_message);
      await pause(500);
    }
  }

  async function load() {
    var answer = await request("/api/sync/<slug>", { action: "list" });
    list.replaceChildren.apply(
      list,
      answer.reports.map(function (report) {
        var item = document.createElement("li");
        item.className = "list-group-item";
        item.textContent = report.steps + " steps: " + report.total;
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

  form.addEventListener("submit", function (event) {
    event.preventDefault();
    attempt(async function () {
      start.disabled = true;
      try {
        var body = { action: "make", steps: Number(steps.value) };
        var queued = await request("/api/async/<slug>", body);
        var result = await finished(queued.job_id);
        if (result.error) throw new Error(result.error);
        await load();
      } finally {
        start.disabled = false;
      }
    });
  });

  attempt(load);
})();
