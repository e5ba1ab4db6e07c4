// Read by the TypeScript compiler alone: what an app may write, and what it may not.
"use strict";

const skep = require("skep");

/** @param {SkepPayload} payload */
function used(payload) {
  const caller = skep.caller.current();
  if (caller && !caller.may("stock:write")) throw new Error(caller.username);
  const rows = sql("SELECT id, name FROM stock_items WHERE id = $1", [payload.id]);
  skep.log.info("looked", { rows: rows.length });
  const limit = skep.settings.get("limit");
  console.log(limit, skep.credentials.get("erp"), payload._job_id);
  return { rows };
}

function misused() {
  // @ts-expect-error: nobody may stand behind a call
  skep.caller.current().username;
  // @ts-expect-error: a statement is a text
  sql(7);
  // @ts-expect-error: parameters are a list
  sql("SELECT $1", "one");
  // @ts-expect-error: there is no such part
  skep.files;
  // @ts-expect-error: there is no Node.js
  process.exit(1);
}

module.exports = { used, misused };
