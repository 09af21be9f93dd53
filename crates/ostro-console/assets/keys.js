// The keyboard: `/` filters, `j` and `k` go through rows, `o` opens, `g` and a letter go to a page, `?` lists all of these.
const HELP = [
  ["/", "To the filter"],
  ["j, k", "Next and previous row"],
  ["o or Enter", "Open the row"],
  ["?", "This list"],
  ["Esc", "Close what is open"],
];

export function keys() {
  let goes = false;
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return close();
    if (event.target.closest("input, textarea, select, dialog")) return;
    if (goes) {
      goes = false;
      const place = document.querySelector(`.places a[data-key="${CSS.escape(event.key)}"]`);
      if (place) { event.preventDefault(); place.click(); return; }
    }
    const does = { "/": filter, "j": () => step(1), "k": () => step(-1), "o": open, "g": () => { goes = true; }, "?": help }[event.key];
    if (does) { event.preventDefault(); does(); }
  });
  addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
}

function close() {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
  if (document.activeElement?.matches("input, textarea")) document.activeElement.blur();
}

function filter() {
  document.querySelector("[data-filter]")?.focus();
}

function rows() {
  return [...document.querySelectorAll("[data-row]")];
}

function step(by) {
  const all = rows();
  const now = all.findIndex((row) => row.classList.contains("chosen"));
  const next = all[Math.min(Math.max(now + by, 0), all.length - 1)];
  if (!next) return;
  all[now]?.classList.remove("chosen");
  next.classList.add("chosen");
  next.querySelector("a, summary")?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function open() {
  const row = rows().find((one) => one.classList.contains("chosen"));
  if (row?.tagName === "DETAILS") row.open = !row.open;
  else row?.querySelector("a")?.click();
}

function help() {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-label", "Keys");
  const list = document.createElement("dl");
  const places = [...document.querySelectorAll(".places a[data-key]")].map((place) => [`g ${place.dataset.key}`, place.textContent]);
  for (const [key, does] of [...HELP, ...places]) {
    const term = document.createElement("dt");
    term.append(Object.assign(document.createElement("kbd"), { textContent: key }));
    list.append(term, Object.assign(document.createElement("dd"), { textContent: does }));
  }
  const done = Object.assign(document.createElement("button"), { textContent: "Close" });
  done.addEventListener("click", () => dialog.close());
  dialog.append(Object.assign(document.createElement("h2"), { textContent: "Keys" }), list, done);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
