// Conveniences: all pages work without this script.
"use strict";

// "/" moves the focus to the search box.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const box = document.getElementById("find");
  if (!box) return;
  event.preventDefault();
  box.focus();
  box.select();
});

// On a small screen the menu scrolls sideways: scroll it so that the current page's entry is visible.
const menus = document.querySelector("header.top .menus");
const here = menus?.querySelector("[aria-current]");
if (here) menus.scrollLeft = here.offsetLeft - menus.offsetLeft - (menus.clientWidth - here.offsetWidth) / 2;

// Removes a message when it is dismissed. Without the script, its link loads the page again.
document.addEventListener("click", (event) => {
  const dismiss = event.target.closest(".message .dismiss");
  if (!dismiss) return;
  event.preventDefault();
  dismiss.closest(".message").remove();
});

// Asks before somebody leaves a page with a changed text that is not saved.
let leaves = false;
document.addEventListener("submit", () => { leaves = true; });
window.addEventListener("beforeunload", (event) => {
  const fields = [...document.querySelectorAll("form[data-unsaved] textarea")];
  if (!leaves && fields.some((field) => field.value !== field.defaultValue)) event.preventDefault();
  leaves = false;
});

// Adds a button that copies, beside each value that people often need elsewhere.
function addCopyButtons() {
  for (const text of document.querySelectorAll("[data-copy]")) {
    if (text.nextElementSibling?.matches("button.copy")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy ${text.textContent.trim()}`);
    text.after(button);
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  const text = button.previousElementSibling.textContent.trim();
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(button.previousElementSibling);
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
});

if (navigator.clipboard) {
  addCopyButtons();
  document.addEventListener("htmx:after:swap", addCopyButtons);
}

// Shows how many orders are ticked, and lets one box tick all orders of the page.
function countTicks() {
  const ticks = [...document.querySelectorAll('input[name="tick"]')];
  const all = document.querySelector("[data-tick-all]");
  if (!all) return;
  const chosen = ticks.filter((tick) => tick.checked).length;
  all.checked = chosen === ticks.length;
  all.indeterminate = chosen > 0 && !all.checked;
  all.parentElement.hidden = false;
  const told = document.querySelector("[data-ticked]");
  told.hidden = false;
  told.textContent = `${chosen} chosen`;
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-tick-all]")) {
    for (const tick of document.querySelectorAll('input[name="tick"]')) tick.checked = event.target.checked;
  }
  if (event.target.matches('[data-tick-all], input[name="tick"]')) countTicks();
});
countTicks();
window.addEventListener("pageshow", countTicks);
document.addEventListener("htmx:after:swap", countTicks);
