// Makes the component of a JavaScript app: `build.mjs WIT WORLD ENTRY OUTPUT`.
//
// Skep runs it in a folder of its own, without a network; `TOOLS` is where ComponentizeJS is.

import { writeFile } from "node:fs/promises";

// For the threads that the packages start, which get no other options.
process.env.NODE_OPTIONS = "--preserve-symlinks --preserve-symlinks-main";

const [wit, worldName, sourcePath, output] = process.argv.slice(2);
const { componentize } = await import(
  `${process.env.TOOLS}/node_modules/@bytecodealliance/componentize-js/src/componentize.js`
);

try {
  const { component } = await componentize({
    sourcePath,
    sourceName: "entry.js",
    witPath: wit,
    worldName,
    disableFeatures: ["fetch-event"],
    // Where the snapshot's maker keeps machine code: it will not start without a place for it.
    env: { HOME: "/proc/self/cwd" },
  });
  await writeFile(output, component);
} catch (error) {
  console.error(error.message ?? error);
  process.exitCode = 1;
}
