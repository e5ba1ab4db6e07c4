// window.AdminWS, as the NodeRouter contract has it: toasts, and the notifications that the user
// has subscribed to. It comes after the app's scripts. Texts go in as texts.
(() => {
  "use strict";
  const TYPES = ["success", "error", "warning", "info"];
  const STAYS = 6_000;
  const MOST = 5;
  const LONGEST = 300;
  // How long to wait before the socket is opened again, in milliseconds, at first and at most.
  const FIRST = 1_000;
  const LAST = 60_000;

  const region = document.createElement("div");
  region.className = "skep-toasts";
  region.setAttribute("role", "status");
  region.setAttribute("aria-live", "polite");
  document.body.append(region);

  const short = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);

  /** Shows a short message: `type` is success, error, warning or info. */
  function showToast(type, message, title) {
    const kind = TYPES.includes(type) ? type : "info";
    const toast = document.createElement("div");
    toast.className = `skep-toast skep-toast-${kind}`;
    const words = document.createElement("div");
    words.className = "skep-toast-words";
    for (const [tag, text] of [["strong", title], ["span", message]]) {
      if (text === undefined || text === null || text === "") continue;
      const line = document.createElement(tag);
      line.textContent = short(String(text));
      words.append(line);
    }
    const close = document.createElement("button");
    close.type = "button";
    close.className = "btn-close";
    close.setAttribute("aria-label", "Close");
    close.addEventListener("click", () => toast.remove());
    toast.append(words, close);
    region.append(toast);
    while (region.children.length > MOST) region.firstElementChild.remove();
    // What went wrong stays until it is closed.
    if (kind !== "error") setTimeout(() => toast.remove(), STAYS);
  }

  let connected = false;
  window.AdminWS = Object.freeze({
    showToast: (type, message) => showToast(type, message),
    get notifyConnected() {
      return connected;
    },
  });

  let names = null;

  /** What people call an app and its action, where that can be found out. */
  async function nameOf({ app_name: app, action_name: action }) {
    names ??= fetch("/api/notify/subscriptions?subscribed=true&limit=1000")
      .then((response) => response.json())
      .then(({ subscriptions }) => subscriptions)
      .catch(() => []);
    const found = (await names).find((each) => each.app_name === app && each.action_name === action);
    // Subscribed to since: ask anew the next time.
    if (!found) names = null;
    return [found?.app_display_name || app, found?.display_name || action].join(": ");
  }

  /** What of a payload is worth reading. */
  function summary(payload) {
    if (payload === null || payload === undefined) return "";
    if (typeof payload !== "object") return String(payload);
    const told = payload.message ?? payload.text ?? payload.title;
    if (typeof told === "string") return told;
    const json = JSON.stringify(payload);
    return json === "{}" || json === "[]" ? "" : json;
  }

  async function receive(frame) {
    const detail = { ...frame, app_id: frame.app_name, event: frame.action_name };
    window.dispatchEvent(new CustomEvent("adminws:edge_event", { detail }));
    showToast("info", summary(frame.payload), await nameOf(frame));
  }

  let lastId = null;
  let pause = FIRST;

  /** Whether the login is good. That it cannot be asked for is not that it has ended. */
  const loggedIn = () => fetch("/api/auth/me").then((response) => response.status !== 401, () => true);

  function open() {
    const query = lastId === null ? "" : `?last_id=${lastId}`;
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/ws/notify${query}`);
    socket.addEventListener("message", ({ data }) => {
      const frame = JSON.parse(data);
      connected = true;
      pause = FIRST;
      if (frame.type === "ready" || frame.type === "action") lastId = Math.max(lastId ?? 0, frame.id);
      if (frame.type === "action") receive(frame);
    });
    socket.addEventListener("close", async () => {
      connected = false;
      if (!(await loggedIn())) {
        showToast("warning", "Your login has ended: load the page again to log in");
        return;
      }
      // A little apart from others whose server went away at the same time.
      setTimeout(open, pause * (0.75 + Math.random() / 2));
      pause = Math.min(pause * 2, LAST);
    });
  }

  open();
})();
