
// The search field of the index: shows only what contains every word of it.
for (const field of document.querySelectorAll("input[type=search]")) {
  const items = [...document.querySelectorAll("[data-search]")];
  const none = document.querySelector("#nothing-found");
  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const item of items) {
      const text = item.dataset.search.toLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
      shown += !item.hidden;
    }
    none.hidden = shown > 0;
  };
  field.addEventListener("input", filter);
  field.hidden = false;
  filter(); // the browser may keep what was typed before
}
