// Errors of the host's interfaces, as apps catch them.

/** PostgreSQL refused or failed a statement. `sqlstate` is its code, such as `23505`. */
export class SqlError extends Error {
  constructor(cause) {
    super(cause.message);
    this.name = "SqlError";
    for (const key of FIELDS) this[key] = cause[key] ?? null;
  }
}

const FIELDS = [
  "sqlstate",
  "detail",
  "hint",
  "position",
  "schemaName",
  "tableName",
  "columnName",
  "constraintName",
];

// By the case of each interface's `error`; the text is the host's own where it gives one.
const KINDS = {
  invalid: ["Invalid"],
  "over-limit": ["OverLimit"],
  "timed-out": ["TimedOut", () => "the call's time is over"],
  unavailable: ["HostUnavailable", () => "the host could not do it now: try again later"],
  "queue-full": [
    "QueueFull",
    () => "the call has queued too many jobs, or too many of the app's wait",
  ],
  superseded: ["JobOver", () => "the job was cancelled, or is another's now"],
  "not-a-job": ["NotAJob", () => "the call is no job's"],
  "not-set": ["CredentialNotSet", (name) => `the credential \`${name}\` is not set: an operator does it`],
};

/** Calls a function of the host, and throws what it refuses as an `Error` with a name. */
export function asked(undeclared, work) {
  try {
    return work();
  } catch (error) {
    const cause = error?.payload ?? error;
    if (typeof cause?.tag !== "string") throw error;
    if (cause.tag === "sql") throw new SqlError(cause.val);
    const [name, words] =
      cause.tag === "undeclared" ? ["Undeclared", undeclared] : (KINDS[cause.tag] ?? [cause.tag]);
    throw named(name, words ? words(cause.val) : String(cause.val ?? name));
  }
}

/** An `Error` with another name. */
export function named(name, message) {
  const error = new Error(message);
  error.name = name;
  return error;
}
