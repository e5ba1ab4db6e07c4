// What the tests look at: apps of which one is hostile and one waits, calls that failed, users,
// roles, tokens, credentials, and with all of them an audit log.

import { Client, PASSWORD, startServer } from "./server.js";
import { SCRIPT, buildComponent, folder, hostile, modern, rogue } from "./apps.js";

const APPS = new URL("../apps/", import.meta.url).pathname;
const EXAMPLES = new URL("../../../examples/", import.meta.url).pathname;

/** Puts it all into the scene, the server first, so that it is stopped whatever fails after. */
export async function world(scene) {
  await buildComponent();
  scene.server = await startServer();
  const { server } = scene;
  const admin = await Client.login(server.url, "admin", PASSWORD);

  await admin.send("POST", "/admin/api/roles", { name: "deployer", description: `Deploys ${SCRIPT}`, permissions: ["skep:apps", "sales:read"] });
  for (const [username, roles] of [["dora", ["deployer"]], ["uma", ["user"]]]) {
    await admin.send("POST", "/admin/api/users", { username, password: PASSWORD, roles });
  }
  const dora = await Client.login(server.url, "dora", PASSWORD);
  await admin.send("POST", "/api/tokens", { name: `For ${SCRIPT}`, scopes: ["apps:call", "skep:read"] });

  await admin.deploy(await folder(`${EXAMPLES}inventory`));
  for (const zip of [await folder(`${APPS}app_sales_report`), modern(), rogue()]) await admin.deploy(zip);
  const waiting = await dora.deploy(hostile());
  await admin.send("POST", `/admin/api/apps/hostile/releases/1/accept`, { digest: waiting.plan.digest });
  await admin.raw("PUT", "/api/apps/hostile/credentials/erp", "a secret that is never shown");
  await admin.send("PUT", "/api/apps/hostile/settings/limit", { value: 50 });

  for (const app of ["rogue", "hostile"]) {
    await admin.send("POST", "/api/notify/subscribe", { app_name: app, action_name: "fired", subscribed: true });
  }
  await admin.call("hostile", { log: `a line ${SCRIPT}` });

  for (let number = 0; number < 6; number += 1) await admin.call("inventory", { action: "list" });
  await admin.call("hostile", { list: true });
  await dora.call("hostile", { fail: `the app failed ${SCRIPT}` });
  for (const payload of [{}, { fail: `the job failed ${SCRIPT}` }]) await admin.send("POST", "/api/async/hostile", payload);
  await admin.ended();

  Object.assign(scene, { admin, dora, url: server.url });
}
