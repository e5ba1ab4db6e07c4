// Tables: sorted by a click on a heading, filtered as one types, a page at a time. On a narrow
// screen each row becomes a card; the roles keep it a table for those who hear it.

import { plural } from "../lib/format.js";
import { fill, h } from "../lib/h.js";
import { button, empty } from "./parts.js";
import { attempt } from "./toast.js";

/**
 * A table.
 *
 * Columns have `key`, `title`, `cell(row)` for what is shown, and as they need it `sort(row)` for a
 * number or text to sort by, `text(row)` for what the filter finds, `number` to align it,
 * `wide` for what may take the space. `more()` gives further rows, and null or nothing when there
 * are no more; then rows are not paged here.
 */
export function table({ label, columns, rows, filter = rows.length > 8, size = 25, none, sorted, more, hasMore = false }) {
  const state = { rows: [...rows], filter: "", page: 0, by: sorted?.key ?? null, down: sorted?.down ?? false };
  const body = h("tbody", { role: "rowgroup" });
  const foot = h("div", { class: "table-foot" });
  const heads = columns.map((column) => head(column));

  function head(column) {
    const props = { role: "columnheader", scope: "col", class: column.number ? "number" : null };
    if (!column.sort) {
      return h("th", props, column.hiddenTitle ? h("span", { class: "unseen" }, column.title) : column.title);
    }
    return h("th", props, h("button", {
      type: "button",
      class: "sort",
      on: {
        click: () => {
          state.down = state.by === column.key ? !state.down : Boolean(column.number);
          state.by = column.key;
          state.page = 0;
          draw();
        },
      },
    }, column.title));
  }

  function chosen() {
    const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
    const found = state.rows.filter((row) => {
      const text = columns.map((column) => column.text?.(row) ?? column.sort?.(row) ?? "").join(" ").toLowerCase();
      return words.every((word) => text.includes(word));
    });
    const column = columns.find(({ key }) => key === state.by);
    if (!column) return found;
    const order = (one, other) => {
      const [a, b] = [column.sort(one), column.sort(other)];
      if (typeof a === "number" && typeof b === "number") return a - b;
      return String(a ?? "").localeCompare(String(b ?? ""), "en", { numeric: true });
    };
    return found.sort((one, other) => (state.down ? order(other, one) : order(one, other)));
  }

  function draw() {
    const found = chosen();
    const pages = more ? 1 : Math.max(1, Math.ceil(found.length / size));
    state.page = Math.min(state.page, pages - 1);
    const shown = more ? found : found.slice(state.page * size, (state.page + 1) * size);
    columns.forEach((column, index) => {
      if (!column.sort) return;
      heads[index].setAttribute("aria-sort",
        column.key !== state.by ? "none" : state.down ? "descending" : "ascending");
    });
    fill(body, shown.map((row) => h("tr", { role: "row" }, columns.map((column) =>
      h("td", {
        role: "cell",
        "data-title": column.hiddenTitle ? "" : column.title,
        class: [column.number && "number", column.wide && "wide", column.nowrap && "nowrap"].filter(Boolean).join(" ") || null,
      }, h("div", { class: "cell" }, column.cell(row)))))),
    shown.length === 0 && h("tr", { role: "row" }, h("td", { role: "cell", colspan: columns.length, class: "nothing" },
      `Nothing here fits “${state.filter}”.`)));
    fill(foot, footing(found, pages));
  }

  function footing(found, pages) {
    if (more) return [h("span", { class: "muted" }, `${plural(found.length, "row")}${hasMore ? " so far" : ""}`), hasMore && loadMore()];
    if (pages === 1) return found.length > 8 ? h("span", { class: "muted" }, plural(found.length, "row")) : null;
    const turn = (by) => () => {
      state.page += by;
      draw();
    };
    return [
      h("span", { class: "muted", role: "status" }, `Page ${state.page + 1} of ${pages}, ${plural(found.length, "row")}`),
      h("div", { class: "actions" },
        button("Back", { kind: "small", act: turn(-1), disabled: state.page === 0 }),
        button("Next", { kind: "small", act: turn(1), disabled: state.page === pages - 1 })),
    ];
  }

  function loadMore() {
    const self = button("Show more", {
      kind: "small",
      act: async () => {
        self.disabled = true;
        await attempt(async () => {
          const next = await more();
          state.rows.push(...next.rows);
          hasMore = next.hasMore;
        });
        draw();
      },
    });
    return self;
  }

  if (rows.length === 0) return none ?? empty("Nothing here yet");
  draw();
  return h("div", { class: "table-box" },
    filter && h("div", { class: "table-filter" }, h("input", {
      type: "search",
      "aria-label": `Filter ${label.toLowerCase()}`,
      placeholder: "Filter",
      on: {
        input: (event) => {
          state.filter = event.target.value;
          state.page = 0;
          draw();
        },
      },
    })),
    h("table", { role: "table", "aria-label": label },
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads)),
      body),
    foot);
}
