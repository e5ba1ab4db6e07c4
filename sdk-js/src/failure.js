// Errors of an app as its author reads them: only the frames of the app's own files.

/** The file and line where an error arose; `main.js` and 0 where that is not known. */
export function place(error, files) {
  const [first] = frames(error, files);
  if (first) return { file: first.file, line: first.line };
  return { file: "main.js", line: 0 };
}

/** What the host calls a `failure`, for the answer and the log. */
export function failure(error, files) {
  if (!(error instanceof Error)) {
    return { name: "Error", message: text(error), trace: undefined };
  }
  const lines = frames(error, files).map(
    ({ name, file, line, column }) => `    at ${name || "(top level)"} (${file}:${line}:${column})`,
  );
  const trace = [`${error.name}: ${error.message}`, ...lines].join("\n");
  return { name: text(error.name), message: text(error.message), trace };
}

// SpiderMonkey writes a frame as `function@file:line:column`, the innermost first.
function frames(error, files) {
  const found = [];
  for (const entry of String(error?.stack ?? "").split("\n")) {
    const parts = /^(.*?)@(.*):(\d+):(\d+)$/.exec(entry);
    if (parts && Object.hasOwn(files, parts[2])) {
      const [, name, file, line, column] = parts;
      found.push({ name, file, line: Number(line), column: Number(column) });
    }
  }
  return found;
}

/** Any value as text, whatever it does when it is asked for one. */
export function text(value) {
  try {
    return String(value);
  } catch {
    return "something that cannot be shown as text";
  }
}
