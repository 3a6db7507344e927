// What pages do beyond HTML: times in the reader's zone, text to copy, and parts that stay fresh while somebody looks.
// Without it every page still shows everything.
"use strict";

const WATCH_MS = 3000;

function localTimes(root) {
  for (const each of root.querySelectorAll("time[data-local]")) {
    const at = new Date(each.dateTime);
    const isToday = at.toDateString() === new Date().toDateString();
    const day = { day: "numeric", month: "short" };
    const shape = at.getFullYear() === new Date().getFullYear() ? day : { ...day, year: "numeric" };
    each.textContent = at.toLocaleString(undefined, { ...(isToday ? {} : shape), hour: "2-digit", minute: "2-digit" });
  }
}

async function refresh(part) {
  // Not under a reader's hands: an open form, or text being selected, stays as it is.
  if (document.hidden || part.querySelector("details[open]") || !getSelection().isCollapsed) return;
  const answer = await fetch(part.dataset.live);
  if (answer.redirected) return location.reload();
  if (!answer.ok) throw new Error(answer.statusText);
  const text = await answer.text();
  part.removeAttribute("data-stale");
  if (text === part.lastText) return;
  part.lastText = text;
  part.innerHTML = text;
  localTimes(part);
}

async function copy(button) {
  const text = button.parentElement.querySelector("pre").textContent;
  await navigator.clipboard.writeText(text);
  const word = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = word), 1500);
}

localTimes(document);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});
for (const part of document.querySelectorAll("[data-live]")) {
  setInterval(() => refresh(part).catch(() => part.setAttribute("data-stale", "")), WATCH_MS);
}
