// The globals of a JavaScript backend. Put `/// <reference types="skep/globals" />` into main.js.

/** A value of a row, as JSON can hold it. */
type SkepValue = string | number | boolean | null | SkepValue[] | { [key: string]: SkepValue };

/** What can be passed for `$1`. A text fits every type; an array is one of PostgreSQL's. */
type SkepParameter =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Date
  | Uint8Array
  | object;

/** A call's data: the JSON object of the request. In jobs it has `_job_id`. */
interface SkepPayload {
  [key: string]: any;
  _job_id?: string;
}

/**
 * Runs one statement of PostgreSQL's SQL in a transaction of its own, and returns its rows.
 *
 * Whole numbers are numbers, and text where a number cannot hold them exactly; `numeric` is a
 * number of up to 15 digits, else text; dates, times and `uuid` are text
 * (`2026-03-01T12:30:00Z`); JSON columns are what is in them. Throws `SqlError` for what
 * PostgreSQL refuses.
 */
declare function sql<Row = { [column: string]: any }>(
  statement: string,
  params?: SkepParameter[] | null,
): Row[];

/** Loads a module by its path from the root of the bundle: `require("lib/items")`. */
declare function require(path: "skep"): typeof import("skep");
declare function require(path: string): any;

declare var module: { exports: any };
declare var exports: any;
