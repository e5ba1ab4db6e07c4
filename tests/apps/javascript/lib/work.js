var items = require("lib/items")

exports.add = function (data) {
  return { added: items.add(data).code, job: typeof data._job_id }
}

exports.saved = function (context) {
  items.add({ code: "saved " + context.payload.keys.join() })
}
