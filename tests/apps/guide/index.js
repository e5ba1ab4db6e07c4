(function () {
  "use strict";

  // Scope all DOM queries to .nr-app (admin layout wrapper).
  // Falls back to document.body when opened standalone for testing.
  var root = document.querySelector(".nr-app") || document.body;

  // ── Utilities ──────────────────────────────────────────────────────────

  function el(id) { return document.getElementById(id); }

  function esc(str) {
    if (str == null) return "";
    return String(str)
      .replace(/&/g, "&amp;").replace(/</g, "&lt;")
      .replace(/>/g, "&gt;").replace(/"/g, "&quot;").replace(/'/g, "&#39;");
  }

  async function syncCall(body) {
    const res = await fetch("/api/sync/app_guide", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await res.text();
    let data;
    try { data = JSON.parse(text); } catch (_) { throw new Error(text); }
    if (!res.ok) throw new Error(data.error || `HTTP ${res.status}`);
    return data;
  }

  // ── Your handlers here ─────────────────────────────────────────────────

})();
