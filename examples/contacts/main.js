"use strict";

var people = require("lib/people");

// Answers one call: an `action`, and what it needs in `params`.
function execute(payload) {
  var params = payload.params || {};
  switch (payload.action) {
    case "search":
      return { people: people.search(params.text) };
    case "add":
      return people.add(params);
    case "import":
      return people.importAll(params.people || []);
    case "remove":
      return people.remove(params.email);
    default:
      return { error: "unknown action '" + payload.action + "'" };
  }
}
