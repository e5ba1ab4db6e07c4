"use strict";

// Says what is wrong with a person; nothing if all is well.
exports.person = function (person) {
  if (!person.name || !String(person.name).trim()) return "name is required";
  if (!/^[^@\s]+@[^@\s]+$/.test(person.email || "")) return "email is required";
  return undefined;
};
