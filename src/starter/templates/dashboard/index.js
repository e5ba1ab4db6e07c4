(function () {
  "use strict";

  // The shell puts the page into .nr-app; opened by itself, there is only the body.
  var root = document.querySelector(".nr-app") || document.body;
  var form = root.querySelector("#<prefix>-form");
  var meter = root.querySelector("#<prefix>-meter");
  var day = root.querySelector("#<prefix>-day");
  var amount = root.querySelector("#<prefix>-amount");
  var message = root.querySelector("#<prefix>-message");
  var chart = echarts.init(root.querySelector("#<prefix>-chart"));
  var grid = new Tabulator(root.querySelector("#<prefix>-grid"), {
    layout: "fitColumns",
    pagination: true,
    paginationSize: 20,
    placeholder: "No readings yet",
    columns: [
      { title: "Day", field: "day" },
      { title: "Meter", field: "meter", headerFilter: "input" },
      { title: "Amount", field: "amount", hozAlign: "right", bottomCalc: "sum" },
    ],
  });
  var gridIsBuilt = new Promise(function (built) {
    grid.on("tableBuilt", built);
  });
  var days = [];

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

  // The theme's own colours, so that the chart is at home in the light and in the dark one.
  function colour(name) {
    return getComputedStyle(root).getPropertyValue(name).trim();
  }

  function draw() {
    var text = { color: colour("--bs-body-color") };
    chart.setOption(
      {
        grid: { left: 48, right: 16, top: 24, bottom: 32 },
        tooltip: { trigger: "axis" },
        xAxis: {
          type: "category",
          axisLabel: text,
          data: days.map(function (entry) {
            return entry.day;
          }),
        },
        yAxis: {
          type: "value",
          axisLabel: text,
          splitLine: { lineStyle: { color: colour("--bs-border-color") } },
        },
        series: [
          {
            name: "Total",
            type: "bar",
            itemStyle: { color: colour("--bs-primary") },
            data: days.map(function (entry) {
              return entry.total;
            }),
          },
        ],
      },
      true
    );
  }

  async function load() {
    var overview = await syncCall({ action: "overview" });
    days = overview.days;
    draw();
    await gridIsBuilt;
    grid.setData(overview.rows);
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
      await syncCall({ action: "add", meter: meter.value, day: day.value, amount: amount.value });
      form.reset();
      await load();
    });
  });

  window.addEventListener("resize", function () {
    chart.resize();
  });
  new MutationObserver(draw).observe(document.documentElement, {
    attributes: true,
    attributeFilter: ["data-bs-theme"],
  });

  attempt(load);
})();
