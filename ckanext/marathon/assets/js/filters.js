// On a phone CKAN shows the filters over the results, and exchanges both when one is chosen: without
// this the results stay hidden behind the filters.
document.addEventListener("click", (event) => {
  if (event.target.closest(".filters a[href]")) document.body.classList.remove("filters-modal");
});
