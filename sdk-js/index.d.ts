// What `require("skep")` gives to a JavaScript backend. None of it is there while the app is
// built, so use it in functions.

/** Who made the current call. */
export interface Caller {
  userId: string;
  username: string;
  roles: string[];
  permissions: string[];
  /** Whether the caller has exactly this permission, or `*`. */
  may(permission: string): boolean;
}

export const caller: {
  /** The caller; null where no user stands behind the call, as in a schedule's job. */
  current(): Caller | null;
  /** The call's id, as in logs and in `X-Request-Id`. */
  callId(): string;
};

/** Secrets that the manifest names in `needs.credentials` and an operator has set. */
export const credentials: {
  get(name: string): string;
  getJson(name: string): any;
  getBytes(name: string): Uint8Array;
};

/** What the manifest declares in `settings`. */
export const settings: {
  /** The value, else the default, else null. */
  get(key: string): any;
  all(): { [key: string]: any };
  /** Changes one at once, whatever becomes of the call. */
  set(key: string, value: any): void;
  unset(key: string): void;
};

/** Notifications that the manifest declares in `actions`; they go out if the call succeeds. */
export const notify: {
  send(action: string, payload?: any): void;
};

export interface Job {
  id: string;
  /** Which try this is: 1 for the first. */
  attempt: number;
}

export interface JobOptions {
  /** A task of the manifest; `execute` if there is none. */
  task?: string;
  /** The app has one job of a key, however often it is queued. */
  key?: string;
  priority?: "low" | "normal" | "high";
  /** Seconds to wait at least. */
  delay?: number;
}

export const jobs: {
  /** The job that this call works at; null where somebody waits for its answer. */
  current(): Job | null;
  /** Shows how far the job is; nothing in a call that is no job. */
  progress(percent?: number | null, text?: string): void;
  cancelled(): boolean;
  /** Queues a job of this app at once, and returns its id. */
  enqueue(data?: object, options?: JobOptions): string;
};

type Line = (message: string, details?: object) => void;

/** Lines of the app's log, with details. `console` writes there too. */
export const log: { debug: Line; info: Line; warn: Line; error: Line };

/** PostgreSQL refused or failed a statement. */
export class SqlError extends Error {
  /** PostgreSQL's code: `23505` for a duplicate key. */
  sqlstate: string;
  detail: string | null;
  hint: string | null;
  /** Where in the statement, counted from 1. */
  position: number | null;
  schemaName: string | null;
  tableName: string | null;
  columnName: string | null;
  constraintName: string | null;
}

/** What a function that the manifest names in `hooks` is called with. */
export interface HookContext {
  app: string;
  hook: string;
  payload: any;
}
