// The libraries that apps' pages use, each by what the contract's apps do with it.

import { test } from "node:test";
import assert from "node:assert/strict";

const PAGE = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<link rel="stylesheet" href="/static/css/bootstrap.min.css">
<link rel="stylesheet" href="/assets/vendor/tabulator.min.css">
<div id="chart"></div><div id="grid"></div><i data-lucide="check"></i>
<div class="modal" id="modal"><div class="modal-dialog"><div class="modal-content">Open</div></div></div>
${["dayjs", "echarts", "lucide", "papaparse", "tabulator", "xlsx.full"].map((name) => `<script src="/assets/vendor/${name}.min.js"></script>`).join("\n")}
<script src="/static/js/bootstrap.bundle.min.js"></script>`;

async function pageOfAnApp(scene) {
  const tab = await scene.tab();
  await tab.page.route("**/apps/page/", (route) => route.fulfill({ contentType: "text/html", body: PAGE }));
  await tab.page.goto("/apps/page/");
  return tab;
}

export function libraries(scene) {
  test("every library has its global, and works", async () => {
    const tab = await pageOfAnApp(scene);
    const found = await tab.page.evaluate(async () => {
      const box = document.getElementById("chart");
      box.style.cssText = "width: 400px; height: 300px";
      const chart = echarts.init(box);
      chart.setOption({ xAxis: { data: ["a"] }, yAxis: {}, series: [{ type: "bar", data: [1] }] }, true);
      chart.resize();
      const grid = new Tabulator("#grid", { data: [{ id: 1, name: "Bolt" }], autoColumns: true });
      await new Promise((built) => grid.on("tableBuilt", built));
      const sheet = XLSX.utils.json_to_sheet([{ name: "Bolt", stock: 3 }]);
      const book = XLSX.utils.book_new();
      XLSX.utils.book_append_sheet(book, sheet, "Items");
      const bytes = new Uint8Array(XLSX.write(book, { type: "array", bookType: "xlsx" }));
      const read = XLSX.read(bytes, { type: "array" });
      const parsed = await new Promise((complete, error) => Papa.parse(new File(["name,stock\nBolt,3\n"], "a.csv"), { header: true, skipEmptyLines: true, complete, error }));
      lucide.createIcons();
      const modal = new bootstrap.Modal(document.getElementById("modal"));
      await new Promise((shown) => {
        document.getElementById("modal").addEventListener("shown.bs.modal", shown);
        modal.show();
      });
      return {
        versions: [echarts.version.split(".")[0], bootstrap.Modal.VERSION.split(".")[0], XLSX.version],
        chart: box.querySelector("canvas").width,
        grid: [...document.querySelectorAll("#grid .tabulator-row .tabulator-cell")].map((cell) => cell.innerText),
        sheet: XLSX.utils.sheet_to_json(read.Sheets.Items, { defval: null }),
        rows: parsed.data,
        day: dayjs("2026-11-21T12:00:00.123").format("HH:mm:ss.SSS"),
        icon: document.querySelector("svg.lucide-check") !== null,
        styled: getComputedStyle(document.documentElement).getPropertyValue("--bs-body-color").trim() !== "",
      };
    });
    assert.deepEqual(found, {
      versions: ["5", "5", "0.20.3"],
      chart: 400,
      grid: ["1", "Bolt"],
      sheet: [{ name: "Bolt", stock: 3 }],
      rows: [{ name: "Bolt", stock: "3" }],
      day: "12:00:00.123",
      icon: true,
      styled: true,
    });
    await tab.screenshot("libraries");
    await tab.close();
  });

}
