// What pages do beyond HTML: times in the reader's zone, text to copy, parts that stay fresh while somebody looks, forms
// whose answer comes into the page, and a look at a chosen image. Without it every page still shows everything.
"use strict";

const WATCH_MS = 3000;
const PREVIEW_PIXELS = 160;

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

async function send(form) {
  const part = document.getElementById(form.dataset.part);
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch(`${form.action}?part=true`, { method: "POST", body: new FormData(form) });
    if (answer.redirected || !answer.ok) return form.submit(); // the whole page says why
    part.innerHTML = await answer.text();
    tellFaults(form, part);
  } catch {
    part.textContent = "The server does not answer.";
  } finally {
    button.disabled = false;
  }
}

function tellFaults(form, part) {
  const faults = new Map([...part.querySelectorAll("[data-fault]")].map((each) => [each.dataset.fault, each.textContent]));
  for (const place of form.querySelectorAll("[data-fault]")) {
    place.textContent = faults.get(place.dataset.fault) || "";
    const input = place.parentElement.querySelector("input, select, textarea");
    if (place.textContent) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
}

async function preview(input) {
  const canvas = document.getElementById(input.dataset.preview);
  canvas.hidden = true;
  if (!input.files.length) return;
  let picture;
  try {
    picture = await createImageBitmap(input.files[0]);
  } catch {
    return; // no image: the contract will say so
  }
  const scale = Math.min(PREVIEW_PIXELS / picture.width, PREVIEW_PIXELS / picture.height);
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = scale < 1;
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  canvas.hidden = false;
}

localTimes(document);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});
document.addEventListener("submit", (event) => {
  if (!event.target.dataset.part) return;
  event.preventDefault();
  send(event.target);
});
document.addEventListener("change", (event) => {
  if (event.target.dataset.preview) preview(event.target);
  if ("all" in event.target.dataset) {
    for (const each of event.target.closest("table").querySelectorAll('tbody input[type="checkbox"]')) {
      each.checked = event.target.checked;
    }
  }
});
for (const part of document.querySelectorAll("[data-live]")) {
  setInterval(() => refresh(part).catch(() => part.setAttribute("data-stale", "")), WATCH_MS);
}
