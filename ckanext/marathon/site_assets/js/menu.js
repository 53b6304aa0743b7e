// Opens the menu on small screens where Bootstrap is not loaded, by the same attributes.
document.querySelectorAll('[data-bs-toggle="collapse"]').forEach((button) => {
  const menu = document.querySelector(button.dataset.bsTarget);
  button.addEventListener("click", () => {
    button.setAttribute("aria-expanded", String(menu.classList.toggle("show")));
  });
});
