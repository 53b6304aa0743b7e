// Names for what CKAN's scripts put into a page without one: the boxes of select2, and the handles by
// which files are put in another order, which arrow keys move too.
(() => {
  const labelOf = (field) => {
    const label = field && field.id && document.querySelector(`label[for="${CSS.escape(field.id)}"]`);
    return (label ? label.textContent : field?.getAttribute("aria-label") || "").replace("*", "").trim();
  };

  const nameBox = (box) => {
    const name = labelOf(box.previousElementSibling);
    if (!name) return;
    box.querySelectorAll('[role="combobox"], [role="textbox"], .select2-search__field').forEach((part) => {
      part.removeAttribute("aria-labelledby");
      part.setAttribute("aria-label", name);
    });
    // A text field of several lines may not have the role that select2 gives it.
    box.querySelectorAll("textarea.select2-search__field").forEach((part) => part.removeAttribute("role"));
  };

  const nameHandle = (handle, words) => {
    const item = handle.closest(".resource-item");
    const title = item.querySelector(".heading")?.firstChild?.textContent.trim() || "";
    handle.setAttribute("role", "button");
    handle.setAttribute("aria-label", words.replace("{name}", title));
    handle.addEventListener("keydown", (event) => {
      const other = { ArrowUp: item.previousElementSibling, ArrowDown: item.nextElementSibling }[event.key];
      if (!other) return;
      event.preventDefault();
      if (event.key === "ArrowUp") other.before(item);
      else other.after(item);
      handle.focus();
    });
  };

  const look = () => {
    document.querySelectorAll(".select2-container").forEach(nameBox);
    const words = document.querySelector("[data-move-words]")?.dataset.moveWords;
    if (words) {
      document.querySelectorAll(".handle:not([aria-label])").forEach((handle) => nameHandle(handle, words));
    }
  };

  let waits = false;
  new MutationObserver(() => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      look();
    });
  }).observe(document.body, { childList: true, subtree: true });
  look();
})();
