// Charts: ECharts, which is loaded when the first is drawn. It draws on a canvas, in the colours of
// the page, and again when these change.

import { h } from "../lib/h.js";

let library = null;

function load() {
  // A plain script; as a module it leaves the same behind. The module's nonce lets it run.
  library ??= import("/assets/vendor/echarts.min.js").then(() => globalThis.echarts);
  return library;
}

const NAMES = ["ink", "ink-soft", "line", "good", "bad", "busy", "accent", "surface"];

/** The page's colours as a canvas knows them. */
function colours(place) {
  const probe = h("span", { hidden: true });
  place.append(probe);
  const found = Object.fromEntries(NAMES.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color];
  }));
  probe.remove();
  return found;
}

/**
 * A chart. `label` says in words what it shows; `option` gets the page's colours, and gives the
 * options of ECharts. It goes with the page.
 */
export function chart({ label, option, signal }) {
  const inner = h("div", { class: "chart-inner" });
  const place = h("div", { class: "chart", role: "img", "aria-label": label }, inner);
  // ECharts empties its element by a text of HTML, which no page of ours takes.
  Object.defineProperty(inner, "innerHTML", { set: () => inner.replaceChildren() });
  let drawn = null;
  const draw = () => drawn?.setOption(option(colours(place)), true);
  const resized = new ResizeObserver(async () => {
    if (drawn) {
      drawn.resize();
      return;
    }
    const echarts = await load();
    if (signal.aborted || drawn || !inner.clientWidth) return;
    drawn = echarts.init(inner, null, { renderer: "canvas" });
    draw();
    place.dataset.drawn = "true";
  });
  resized.observe(inner);
  const theme = new MutationObserver(draw);
  theme.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw, { signal });
  signal.addEventListener("abort", () => {
    resized.disconnect();
    theme.disconnect();
    drawn?.dispose();
  });
  return place;
}

/** What all charts over time have in common. */
export function overTime(colour, { series, unit }) {
  const text = { color: colour["ink-soft"], fontSize: 11 };
  return {
    animation: false,
    textStyle: { fontFamily: "system-ui, sans-serif" },
    grid: { left: 8, right: 12, top: 34, bottom: 4, containLabel: true },
    legend: { top: 0, left: 0, itemWidth: 10, itemHeight: 10, icon: "roundRect", textStyle: text },
    tooltip: {
      trigger: "axis",
      // On the canvas: as HTML it would be made of a text.
      renderMode: "richText",
      backgroundColor: colour.surface,
      borderColor: colour.line,
      textStyle: { color: colour.ink, fontSize: 12 },
      valueFormatter: (value) => (value === null || value === undefined ? "–" : unit(value)),
    },
    xAxis: { type: "time", axisLine: { lineStyle: { color: colour.line } }, axisTick: { show: false }, axisLabel: { ...text, hideOverlap: true }, splitLine: { show: false } },
    yAxis: { type: "value", minInterval: 1, axisLabel: { ...text, formatter: unit }, splitLine: { lineStyle: { color: colour.line } } },
    series,
  };
}
