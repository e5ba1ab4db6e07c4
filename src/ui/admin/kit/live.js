// What is asked for again and again while somebody looks at it.

const PAUSE = 2_000;

/**
 * Draws what `ask` gives, and again whenever that has changed, for as long as `goes` says that it
 * may change. Nothing is drawn over what has the focus. It ends with the page.
 */
export function live({ ask, draw, goes, first, signal }) {
  const place = document.createElement("div");
  place.className = "later";
  let seen = JSON.stringify(first);
  place.replaceChildren(draw(first));
  const again = () => setTimeout(async () => {
    if (signal.aborted) return;
    try {
      const now = await ask();
      const text = JSON.stringify(now);
      if (text !== seen && !place.contains(document.activeElement)) {
        seen = text;
        place.replaceChildren(draw(now));
      }
      if (goes(now)) again();
    } catch (error) {
      // What is shown stays; the next time may be better.
      if (error.name !== "AbortError" && error.status !== 401) again();
    }
  }, PAUSE);
  if (goes(first)) again();
  return place;
}
