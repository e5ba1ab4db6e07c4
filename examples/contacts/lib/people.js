"use strict";

var check = require("lib/check");

exports.search = function (text) {
  return sql(
    "SELECT name, email, notes FROM contacts_people " +
      "WHERE $1::text IS NULL OR name ILIKE '%' || $1 || '%' OR email ILIKE '%' || $1 || '%' " +
      "ORDER BY name LIMIT 100",
    [text],
  );
};

exports.add = function (person) {
  var problem = check.person(person);
  if (problem) return { error: problem };
  try {
    insert(person);
  } catch (error) {
    // A unique constraint is the only sure way to find out, whoever else adds at this moment.
    if (error.sqlstate === "23505") return { error: person.email + " is there already" };
    throw error;
  }
  return {
    added: person.email,
    // Sent to those who subscribed to `contact_added`, and not to the caller.
    _actions: [{ name: "contact_added", payload: { name: person.name } }],
  };
};

// Each sql() is a transaction of its own, so one that fails takes nothing with it.
exports.importAll = function (list) {
  var errors = [];
  list.forEach(function (person) {
    var answer = exports.add(person);
    if (answer.error) errors.push(answer.error);
  });
  return { added: list.length - errors.length, errors: errors };
};

exports.remove = function (email) {
  var gone = sql("DELETE FROM contacts_people WHERE email = $1 RETURNING email", [email]);
  return gone.length ? { removed: email } : { error: "there is no " + email };
};

function insert(person) {
  sql("INSERT INTO contacts_people (name, email, notes) VALUES ($1, $2, $3)", [
    person.name.trim(),
    person.email.trim().toLowerCase(),
    person.notes || "",
  ]);
}
