// A button that copies, zones to choose from, and words that a filter knows.

export function copying(within) {
  for (const text of within.querySelectorAll("pre[data-copy]")) {
    if (text.parentElement.classList.contains("copied")) continue;
    const frame = document.createElement("div");
    frame.className = "copied";
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Copy" });
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    text.replaceWith(frame);
    frame.append(text, button);
  }
}

export function zones() {
  const input = document.querySelector("[data-zone]");
  if (!input || !Intl.supportedValuesOf) return;
  const list = Object.assign(document.createElement("datalist"), { id: "zones" });
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const zone of new Set([own, "UTC", ...Intl.supportedValuesOf("timeZone")])) list.append(new Option(zone, zone));
  input.after(list);
  input.setAttribute("list", "zones");
}

const WORDS = ["ExecutionStatus", "WorkflowType", "WorkflowId", "RunId", "StartTime", "CloseTime", "ExecutionTime", "ExecutionDuration",
  "HistoryLength", "TaskQueue", "ParentWorkflowId", "RootWorkflowId"];
const STATUSES = ["Running", "Completed", "Failed", "Canceled", "Terminated", "TimedOut", "Paused", "ContinuedAsNew"];

// Completes the last word of a filter: names of attributes, and statuses in quotes.
export function completing() {
  const input = document.querySelector("[data-filter]");
  if (!input) return;
  const own = [...document.querySelectorAll('input[name="columns"]')].map((box) => box.value);
  const list = Object.assign(document.createElement("datalist"), { id: "words" });
  input.after(list);
  input.setAttribute("list", "words");
  input.addEventListener("input", () => {
    const [, before, word] = /^(.*?)('?[\w.]*)$/s.exec(input.value);
    const words = word.startsWith("'") ? STATUSES.map((status) => `'${status}'`) : [...WORDS, ...own, "AND", "OR", "STARTS_WITH", "BETWEEN"];
    const fitting = word ? words.filter((one) => one.toLowerCase().startsWith(word.toLowerCase()) && one !== word) : [];
    list.replaceChildren(...fitting.map((one) => new Option("", before + one)));
  });
}
