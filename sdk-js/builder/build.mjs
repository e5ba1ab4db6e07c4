// Makes the component of a JavaScript app: `build.mjs WIT WORLD ENTRY OUTPUT`.
//
// Skep runs it in a folder of its own, without a network; `TOOLS` is where ComponentizeJS is.

import { writeFile } from "node:fs/promises";

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
  });
  await writeFile(output, component);
} catch (error) {
  console.error(error.message ?? error);
  process.exitCode = 1;
}
