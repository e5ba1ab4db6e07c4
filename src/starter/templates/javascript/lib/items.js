"use strict";

exports.list = function () {
  return sql("SELECT id, name, created_at FROM <table_prefix>_items ORDER BY id DESC LIMIT 100");
};

exports.create = function (given) {
  var name = String(given === undefined ? "" : given).trim();
  if (!name) return { error: "name is required" };
  // Values go as $1, $2, never into the text of the statement.
  var row = sql("INSERT INTO <table_prefix>_items (name) VALUES ($1) RETURNING id", [name])[0];
  return {
    id: row.id,
    name: name,
    // Sent to those who subscribed to `item_created`, and not to the caller.
    _actions: [{ name: "item_created", payload: { id: row.id, name: name } }],
  };
};
