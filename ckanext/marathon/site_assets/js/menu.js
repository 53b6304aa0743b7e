// Opens menus and lists where Bootstrap is not loaded, by the same attributes.
document.querySelectorAll('[data-bs-toggle="collapse"]').forEach((button) => {
  // CKAN names lists after their titles: an id with blanks in it is no selector.
  const menu = document.getElementById(button.dataset.bsTarget.slice(1));
  button.addEventListener("click", () => {
    button.setAttribute("aria-expanded", String(menu.classList.toggle("show")));
  });
});
