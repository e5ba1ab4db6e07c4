// What the host is made of: nodes, database, what is kept and for how long, how it is backed up.

import { api } from "../lib/api.js";
import { bytes, count, plural } from "../lib/format.js";
import { h } from "../lib/h.js";
import { show } from "../lib/router.js";
import { may, mayAny } from "../lib/session.js";
import { confirm } from "../kit/dialog.js";
import { badge, button, code, copyButton, empty, facts, figure, notice, pageHead, panel, time } from "../kit/parts.js";
import { table } from "../kit/table.js";
import { toast } from "../kit/toast.js";

const BACKUP = `umask 077
mkdir backup
skep postgres --data /var/lib/skep -- pg_dumpall --roles-only --file=backup/roles.sql
skep postgres --data /var/lib/skep -- pg_dump --format=custom --file=backup/skep.dump
cp -p /var/lib/skep/host.key backup/`;

export default async function system({ signal }) {
  const seesKept = mayAny("skep:read", "skep:retention");
  const [body, kept] = await Promise.all([
    api.get("/api/system", { signal }),
    seesKept ? api.get("/api/retention", { signal }) : null,
  ]);
  const { database, nodes } = body;
  const alive = nodes.filter((node) => node.alive).length;
  const versions = new Set(nodes.filter((node) => node.alive).map((node) => node.version));
  return [
    pageHead({ title: "System", about: `Skep ${body.version}. This answer is from ${body.node}.` }),
    versions.size > 1 && notice("warning", h("p", { class: "strong" }, "Nodes of several versions serve"),
      h("p", {}, `These are ${[...versions].join(", ")}. Bring all to one, once it has proved itself.`)),
    h("div", { class: "figures" },
      figure("Nodes", count(alive), { kind: alive < nodes.length ? "warning" : "", note: alive < nodes.length ? `${count(nodes.length - alive)} silent` : "all heard of" }),
      figure("Database", bytes(database.bytes), { note: `of it ${bytes(database.host_bytes)} of Skep’s own` }),
      figure("Connections", count(database.connections), { kind: database.connections > database.connections_most * 0.9 ? "warning" : "", note: `of ${count(database.connections_most)} that the server allows` })),
    panel({ title: "Nodes", id: "nodes" }, nodeTable(nodes, body.node)),
    h("div", { class: "columns" },
      panel({ title: "Database", id: "database" }, facts(
        ["State", database.restarting ? badge("warning", "Being started again") : badge("good", "Answers")],
        ["Server", `PostgreSQL ${database.version}`],
        ["Run by", database.embedded ? "this node" : "you"],
        ["Size", bytes(database.bytes)],
        ["Skep’s own", bytes(database.host_bytes)])),
      panel({ title: "Tables of apps", id: "apps", about: "With indexes." }, appTable(body.apps))),
    kept && panel({ title: "What is kept", id: "kept", about: "The rest goes by itself, piece by piece. Images and work are those of the node that answers." }, keptTable(kept.kinds)),
    panel({ title: "Backup", id: "backup", about: "The database, its roles and the host key are all of it. The server may run meanwhile. Keep the key elsewhere: it opens everything." },
      h("pre", { class: "block", tabindex: "0", "aria-label": "Commands" }, BACKUP),
      h("div", { class: "actions" }, copyButton(BACKUP))),
  ];
}

function nodeTable(nodes, own) {
  return table({
    label: "Nodes",
    rows: nodes,
    none: empty("No node has been heard of yet", "Each says every ten seconds that it lives."),
    columns: [
      { key: "name", title: "Node", cell: (node) => [code(node.name), node.name === own && h("span", { class: "muted" }, " this one")] },
      { key: "state", title: "State", nowrap: true, cell: (node) => (node.alive ? badge("good", "Alive") : badge("bad", "Silent")) },
      { key: "version", title: "Version", cell: (node) => node.version },
      { key: "listen", title: "Serves on", wide: true, cell: (node) => code(node.listen) },
      { key: "started", title: "Started", nowrap: true, cell: (node) => time(node.started_at) },
      { key: "seen", title: "Heard of", nowrap: true, cell: (node) => time(node.seen_at) },
    ],
  });
}

function appTable(apps) {
  return table({
    label: "Tables of apps",
    rows: apps,
    none: empty("No tables", "No app keeps anything in the database."),
    columns: [
      { key: "app", title: "App", wide: true, sort: (row) => row.app, cell: (row) => h("a", { href: `/admin/apps/${encodeURIComponent(row.app)}` }, row.app) },
      { key: "tables", title: "Tables", number: true, sort: (row) => row.tables, cell: (row) => count(row.tables) },
      { key: "bytes", title: "Size", number: true, sort: (row) => row.bytes, cell: (row) => bytes(row.bytes) },
    ],
  });
}

function keptTable(kinds) {
  return table({
    label: "What is kept",
    rows: kinds,
    filter: false,
    columns: [
      { key: "kind", title: "Kind", sort: (row) => row.kind, cell: (row) => code(row.kind) },
      { key: "rows", title: "Rows", number: true, sort: (row) => row.rows, cell: (row) => count(row.rows) },
      { key: "bytes", title: "Size", number: true, sort: (row) => row.bytes, cell: (row) => bytes(row.bytes) },
      { key: "oldest", title: "Oldest", nowrap: true, cell: (row) => time(row.oldest) },
      { key: "policy", title: "Is kept", wide: true, cell: (row) => row.policy },
      {
        key: "act", title: "Purge", hiddenTitle: true, nowrap: true,
        cell: (row) => (may("skep:retention") && row.automatic ? button("Purge", { kind: "small", label: `Purge ${row.kind}`, act: () => purge(row.kind) }) : ""),
      },
    ],
  });
}

async function purge(kind) {
  const dry = await api.post("/api/retention/purge", { kind, dry_run: true }).catch((error) => {
    toast(error.message, "bad");
    return null;
  });
  if (!dry) return;
  const [{ rows }] = dry.gone;
  if (rows === 0) {
    toast(`Of ${kind} there is nothing that is too old or too much`, "info");
    return;
  }
  const done = await confirm({
    title: `Purge ${kind}?`,
    about: `${plural(rows, "row")} that the policy does not keep would go. They go by themselves too, within the hour.`,
    action: "Purge",
    danger: true,
    act: () => api.post("/api/retention/purge", { kind }),
  });
  if (!done) return;
  toast(`${kind} is purged`);
  await show();
}
