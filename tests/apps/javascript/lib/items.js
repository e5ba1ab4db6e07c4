"use strict"

var helpers = require("lib/helpers")

exports.add = function (params) {
  return sql(
    "INSERT INTO javascript_items (code, price) VALUES ($1, $2) " +
      "RETURNING id::text AS id, code, price, made",
    [helpers.text(params.code), params.price]
  )[0]
}

exports.list = function () {
  return sql("SELECT code, price FROM javascript_items ORDER BY code")
}

// As a published app has it: the first statement fails where the table is another app's, and
// the second must go on all the same.
exports.remove = function (code) {
  var used = 0
  try {
    used = sql("SELECT count(*)::int AS n FROM elsewhere_items WHERE code = $1", [code])[0].n
  } catch (e) {
    used = e.message
  }
  var gone = sql("DELETE FROM javascript_items WHERE code = $1 RETURNING code", [code])
  return { used: used, gone: gone.length }
}

exports.importAll = function (codes) {
  var errors = []
  codes.forEach(function (code) {
    try {
      exports.add({ code: code })
    } catch (e) {
      errors.push({ code, state: e.sqlstate, constraint: e.constraintName })
    }
  })
  return { errors, kept: exports.list().length }
}

exports.fail = function () {
  sql("INSERT INTO javascript_items (code) VALUES ('before')")
  return helpers.missing.value
}
