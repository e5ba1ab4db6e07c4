(function () {
  "use strict";

  // Scope all DOM queries to .nr-app (admin layout wrapper).
  // Falls back to document.body when opened standalone for testing.
  var root = document.querySelector(".nr-app") || document.body;
  var currentRows = [];

  // ── Utilities ──────────────────────────────────────────────────────────

  function el(id) { return document.getElementById(id); }

  function esc(str) {
    if (str == null) return "";
    return String(str)
      .replace(/&/g, "&amp;").replace(/</g, "&lt;")
      .replace(/>/g, "&gt;").replace(/"/g, "&quot;").replace(/'/g, "&#39;");
  }

  function toast(type, message) {
    if (window.AdminWS && typeof AdminWS.showToast === "function") AdminWS.showToast(type, message);
  }

  async function syncCall(body) {
    const res = await fetch("/api/sync/app_sales_report", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await res.text();
    let data;
    try { data = JSON.parse(text); } catch (_) { throw new Error(text); }
    if (!res.ok) throw new Error(data.error || `HTTP ${res.status}`);
    return data;
  }

  async function asyncCall(action, payload = {}) {
    const res = await fetch("/api/async/app_sales_report", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ action, ...payload }),
    });
    const data = await res.json();
    if (!res.ok) throw new Error(data.error || `HTTP ${res.status}`);
    return data; // { job_id, status: "pending", node: "..." }
  }

  async function pollJob(jobId, onProgress) {
    while (true) {
      const res = await fetch(`/api/async/jobs/${jobId}`);
      const job = await res.json();
      onProgress(job.progress, job.status);
      if (job.status === "completed" || job.status === "failed") return job;
      await new Promise((r) => setTimeout(r, 2000));
    }
  }

  // ── Chart, grid ────────────────────────────────────────────────────────

  var chart = echarts.init(root.querySelector("#sr-chart"), null, { renderer: "canvas" });

  function renderChart(rows) {
    chart.setOption({
      tooltip: { trigger: "axis" },
      xAxis: { type: "category", data: rows.map(function (r) { return r.label; }) },
      yAxis: { type: "value" },
      series: [{ type: "bar", data: rows.map(function (r) { return r.value; }) }],
    });
  }

  // Re-fit chart when sidebar collapses / window resizes.
  window.addEventListener("resize", function () { chart.resize(); });

  var table = new Tabulator(root.querySelector("#sr-grid"), {
    layout: "fitColumns",
    responsiveLayout: "collapse",
    pagination: "local",
    paginationSize: 20,
    columns: [
      { title: "ID", field: "id", width: 80 },
      { title: "Name", field: "name", widthGrow: 1 },
      { title: "Amount", field: "amount" },
      { title: "Date", field: "created_at" },
    ],
  });
  var built = new Promise(function (resolve) { table.on("tableBuilt", resolve); });

  function exportToExcel(rows, filename) {
    var ws = XLSX.utils.json_to_sheet(rows);
    var wb = XLSX.utils.book_new();
    XLSX.utils.book_append_sheet(wb, ws, "Sheet1");
    XLSX.writeFile(wb, (filename || "export") + ".xlsx");
  }

  function fmtDate(iso) { return dayjs(iso).format("DD/MM/YYYY HH:mm"); }

  function renderRows(rows) {
    root.querySelector("#sr-list").innerHTML = rows
      .map(function (r) {
        return '<li><i data-lucide="circle-dot"></i> ' + esc(r.name) + " " + fmtDate(r.created_at) + "</li>";
      })
      .join("");
    lucide.createIcons();
  }

  async function load() {
    const data = await syncCall({ action: "list" });
    currentRows = data.rows;
    await built;
    table.setData(currentRows);
    renderRows(currentRows);
    renderChart(currentRows.map(function (r) { return { label: r.name, value: r.amount }; }));
  }

  // ── Events ─────────────────────────────────────────────────────────────

  el("sr-form").addEventListener("submit", async function (e) {
    e.preventDefault();
    try {
      const data = await syncCall({ action: "create", name: el("sr-name").value, amount: Number(el("sr-amount").value) });
      if (data.error) throw new Error(data.error);
      toast("success", "Deal " + data.deal_id + " is kept");
      await load();
    } catch (err) {
      toast("error", err.message);
    }
  });

  root.addEventListener("click", async function (e) {
    const button = e.target.closest("[data-action]");
    if (!button) return;
    if (button.dataset.action === "export-excel") exportToExcel(currentRows, "app_sales_report-report");
    if (button.dataset.action === "run-report") {
      const job = await asyncCall("run_report");
      const done = await pollJob(job.job_id, function (progress, status) {
        el("sr-status").textContent = status + " " + progress + " %";
      });
      el("sr-status").textContent = done.status + ": " + done.result.processed;
    }
  });

  root.querySelector("#sr-csv-input").addEventListener("change", function (e) {
    var file = e.target.files[0];
    if (!file) return;
    Papa.parse(file, {
      header: true,
      skipEmptyLines: true,
      complete: async function (result) {
        for (const row of result.data) await syncCall({ action: "create", name: row.name, amount: Number(row.amount) });
        await load();
      },
      error: function (err) { console.error("CSV parse error:", err.message); },
    });
  });

  load().catch(function (err) { toast("error", err.message); });
})();
