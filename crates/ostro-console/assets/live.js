// Keeps a page as it is on the server: parts that changed are put in the place of the old ones. What is open stays open, what is
// typed stays typed, and the place to which one has scrolled stays.
import { copying } from "./small.js";

const POLL_MS = 10_000;

export function live() {
  const source = document.body.dataset.live;
  if (!source) return;
  if (source === "poll") {
    setInterval(() => document.visibilityState === "visible" && refresh(), POLL_MS);
    return;
  }
  let events;
  const open = () => {
    events = new EventSource(source);
    events.addEventListener("changed", refresh);
    events.addEventListener("closed", () => { events.close(); refresh(); });
  };
  const follow = () => {
    if (document.visibilityState !== "visible") return events?.close();
    if (!events || events.readyState === EventSource.CLOSED) { open(); refresh(); }
  };
  open();
  document.addEventListener("visibilitychange", follow);
  addEventListener("pagehide", () => events?.close());
}

let busy = false;

async function refresh() {
  if (busy) return;
  busy = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, redirect: "manual" });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-part]")) replace(part, fresh);
  } catch {
    // The server is away: the page stays, and the next change comes when it is back.
  } finally {
    busy = false;
  }
}

function replace(part, fresh) {
  const other = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
  if (!other) return;
  const open = new Set([...part.querySelectorAll("details[open][data-keep]")].map((one) => one.dataset.keep));
  const shut = new Set([...part.querySelectorAll("details:not([open])[data-keep]")].map((one) => one.dataset.keep));
  for (const one of other.querySelectorAll("details[data-keep]")) {
    if (open.has(one.dataset.keep)) one.open = true;
    if (shut.has(one.dataset.keep)) one.open = false;
  }
  if (other.innerHTML === part.innerHTML || part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) return;
  const focused = part.contains(document.activeElement) ? path(document.activeElement, part) : null;
  const chosen = part.querySelector(".chosen");
  const place = chosen && path(chosen, part);
  part.replaceChildren(...document.adoptNode(other).childNodes);
  copying(part);
  if (place) at(part, place)?.classList.add("chosen");
  if (focused) at(part, focused)?.focus({ preventScroll: true });
}

// Where an element is below another, as the numbers of children.
function path(element, top) {
  const steps = [];
  for (let one = element; one && one !== top; one = one.parentElement) steps.unshift([...one.parentElement.children].indexOf(one));
  return steps;
}

function at(top, steps) {
  return steps.reduce((one, step) => one?.children[step], top);
}
