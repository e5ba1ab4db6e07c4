"use strict";

var items = require("lib/items");

// Answers one call. The name matters: it is what Skep calls.
function execute(payload) {
  switch (payload.action) {
    case "list":
      return { rows: items.list() };
    case "create":
      return items.create(payload.name);
    default:
      return { error: "unknown action '" + payload.action + "'" };
  }
}
