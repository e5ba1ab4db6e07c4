"use strict"

var items = require("lib/items")
var helpers = require("./lib/helpers.js")
var data = require("lib/data")
var skep = require("skep")

var calls = 0

console.log("not shown: the app is being built")

function execute(payload) {
  calls += 1
  var params = payload.params || {}
  switch (payload.action) {
    case "add": return { item: items.add(params), _actions: [{ action: "item_added", payload: { code: params.code } }] }
    case "list": return { items: items.list() }
    case "remove": return items.remove(params.code)
    case "import": return items.importAll(params.codes)
    case "values": return sql(params.statement, params.values)
    case "modules": return { same: require("lib/helpers") === helpers, circular: helpers.circular(), data: data.words, calls: calls, missing: message(function () { require("lib/none") }) }
    case "engine": return engine()
    case "log": return log()
    case "fail": return items.fail()
    case "throw": throw params.value
    case "loop": for (;;) {}
    case "json": return cycle()
    case "later": return later()
    case "never": return new Promise(function () {})
    case "caller": return { name: skep.caller.current().username, may: skep.caller.current().may("x:y"), id: skep.caller.callId().length }
    case "settings": skep.settings.set("limit", 7); return { limit: skep.settings.get("limit"), all: skep.settings.all(), wrong: message(function () { skep.settings.set("limit", "x") }), other: message(function () { skep.settings.get("other") }) }
    case "credential": return message(function () { return skep.credentials.get(params.name) })
    case "job": skep.jobs.progress(50, "half"); return { job: skep.jobs.current(), id: payload._job_id }
    case "enqueue": return { job: skep.jobs.enqueue(params, { task: "add" }) }
    default: return { error: "unknown action " + payload.action }
  }
}

function message(work) {
  try {
    return { value: work() }
  } catch (error) {
    return { name: error.name, message: error.message }
  }
}

function engine() {
  return {
    random: [Math.random(), crypto.randomUUID()],
    time: Date.now() > 1.7e12,
    modern: [...new Map([["a", 1n]])].map(([k, v]) => `${k}${v}`)[0] ?? "none",
    globals: [typeof process, typeof Buffer, typeof URL, typeof TextEncoder, typeof structuredClone],
  }
}

function log() {
  console.log("a line", { with: [1, undefined] }, 2n)
  console.warn("careful")
  skep.log.error("with details", { order: 7 })
  return "logged"
}

function cycle() {
  var all = {}
  all.all = all
  return all
}

async function later() {
  await new Promise((done) => setTimeout(done, 1))
  return { late: true }
}
