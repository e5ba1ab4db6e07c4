//! The pieces of the author guide, each as an app of its own: none of them has an error.

use super::*;

/// What the guide shows for each library: what goes into the page, and the script.
const PIECES: &[(&str, &str)] = &[
    (
        r#"<div id="hw-chart" style="height:320px"></div><script src="/assets/vendor/echarts.min.js"></script>"#,
        r##"(function () {
  "use strict";
  var root  = document.querySelector(".nr-app") || document.body;
  var chart = echarts.init(root.querySelector("#hw-chart"), null, { renderer: "canvas" });
  function renderChart(rows) {
    chart.setOption({ series: [{ type: "bar", data: rows.map(function (r) { return r.value; }) }] });
  }
  window.addEventListener("resize", function () { chart.resize(); });
})();"##,
    ),
    (
        r#"<link rel="stylesheet" href="/assets/vendor/tabulator.min.css" /><div id="hw-grid"></div><script src="/assets/vendor/tabulator.min.js"></script>"#,
        r##"(function () {
  "use strict";
  var root  = document.querySelector(".nr-app") || document.body;
  var table = new Tabulator(root.querySelector("#hw-grid"), {
    layout: "fitColumns",
    columns: [{ title: "ID", field: "id", width: 80 }],
  });
  function loadData(rows) { table.setData(rows); }
})();"##,
    ),
    (
        r#"<button data-action="export-excel">Export</button><script src="/assets/vendor/xlsx.full.min.js"></script>"#,
        r#"(function () {
  "use strict";
  var root = document.querySelector(".nr-app") || document.body;
  var currentRows = [];
  function exportToExcel(rows, filename) {
    var ws = XLSX.utils.json_to_sheet(rows);
    var wb = XLSX.utils.book_new();
    XLSX.utils.book_append_sheet(wb, ws, "Sheet1");
    XLSX.writeFile(wb, (filename || "export") + ".xlsx");
  }
  root.addEventListener("click", function (e) {
    if (e.target.dataset.action === "export-excel") {
      exportToExcel(currentRows, "app_hello_world-report");
    }
  });
})();"#,
    ),
    (
        r#"<input type="file" id="hw-csv-input" accept=".csv" /><script src="/assets/vendor/papaparse.min.js"></script>"#,
        r##"(function () {
  "use strict";
  var root = document.querySelector(".nr-app") || document.body;
  root.querySelector("#hw-csv-input").addEventListener("change", function (e) {
    Papa.parse(e.target.files[0], {
      header: true,
      complete: function (result) { console.log(result.data); },
    });
  });
})();"##,
    ),
    (
        r#"<script src="/assets/vendor/dayjs.min.js"></script>"#,
        r#"(function () {
  "use strict";
  function fmtDate(iso) { return dayjs(iso).format("DD/MM/YYYY HH:mm"); }
  function daysAgo(iso) { return dayjs().diff(dayjs(iso), "day"); }
})();"#,
    ),
    (
        r#"<i data-lucide="download"></i><ul id="hw-list"></ul><script src="/assets/vendor/lucide.min.js"></script>"#,
        r##"(function () {
  "use strict";
  var root = document.querySelector(".nr-app") || document.body;
  lucide.createIcons();
  function renderRows(rows) {
    root.querySelector("#hw-list").innerHTML = rows
      .map(function (r) {
        return '<li><i data-lucide="circle-dot"></i> ' + esc(r.name) + "</li>";
      })
      .join("");
    lucide.createIcons();
  }
})();"##,
    ),
];

#[test]
fn what_the_guide_shows_of_the_libraries_is_left_alone() {
    for (body, script) in PIECES {
        let page = include_str!("app/index.html").replace(
            "<script src=\"index.js\">",
            &format!("{body}<script src=\"index.js\">"),
        );
        let page = match page.split_once("<link rel=\"stylesheet\" href=\"/assets") {
            Some((before, after)) => {
                // The guide puts it into the head.
                let (link, after) = after.split_once("/>").unwrap();
                let link = format!("<link rel=\"stylesheet\" href=\"/assets{link}/></head>");
                format!("{before}{after}").replace("</head>", &link)
            }
            None => page,
        };
        let mut bundle = app_with("index.html", &page);
        put(&mut bundle, "index.js", script);

        let found = problems(&bundle);
        assert_eq!(found, [], "{found:#?} in\n{script}");
    }
}
