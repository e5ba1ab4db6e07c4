var items = require("lib/items")

module.exports = {
  text: function (value) { return value === undefined ? null : String(value).trim() },
  circular: function () { return typeof items.list },
}
