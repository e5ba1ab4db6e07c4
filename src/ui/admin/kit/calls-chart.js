// Calls over time: how many, how many of them failed, and how long they took.

import { address, api } from "../lib/api.js";
import { count, milliseconds } from "../lib/format.js";
import { h } from "../lib/h.js";
import { chart, overTime } from "./chart.js";

/** The charts of all apps or of one; a word where there is nothing to draw. */
export async function callsOverTime({ app, hours, signal }) {
  const { stretches } = await api.get(address("/api/calls/timeline", { app, hours }), { signal });
  const sum = (key) => stretches.reduce((total, stretch) => total + stretch[key], 0);
  const calls = sum("calls");
  if (calls === 0) return h("p", { class: "muted" }, "No calls in this time.");
  const points = (value) => stretches.map((stretch) => [stretch.at, value(stretch)]);
  const longest = Math.max(...stretches.map(({ p95_ms }) => p95_ms ?? 0));
  return h("div", { class: "columns" },
    chart({
      label: `${count(calls)} calls over time, of which ${count(sum("failed"))} failed`,
      signal,
      option: (colour) => overTime(colour, {
        unit: count,
        series: [
          { name: "Well", type: "bar", stack: "calls", barMaxWidth: 18, itemStyle: { color: colour.busy }, data: points(({ calls: all, failed }) => all - failed) },
          { name: "Failed", type: "bar", stack: "calls", barMaxWidth: 18, itemStyle: { color: colour.bad }, data: points(({ failed }) => failed) },
        ],
      }),
    }),
    chart({
      label: `How long calls took over time: 95 of 100 at most ${milliseconds(longest)}`,
      signal,
      option: (colour) => overTime(colour, {
        unit: milliseconds,
        series: [
          { name: "Half took no longer", type: "line", symbol: "circle", symbolSize: 4, lineStyle: { width: 2 }, itemStyle: { color: colour.busy }, data: points(({ median_ms }) => median_ms) },
          { name: "95 % took no longer", type: "line", symbol: "circle", symbolSize: 4, lineStyle: { width: 2 }, itemStyle: { color: colour.accent }, data: points(({ p95_ms }) => p95_ms) },
        ],
      }),
    }));
}
