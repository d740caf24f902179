{
  const rows = document.getElementById("rows");
  const keys = new Map([...rows.children].map((row) => [row, row.dataset.keys.split(";")]));
  const value = (row, key) => key === "name" ? row.dataset.name : keys.get(row)[+key];
  // What cannot be had stands behind the rest, whichever way the rest is sorted.
  const order = (key, isDown) => (a, b) => {
    const [x, y] = [value(a, key), value(b, key)];
    if (x === "" || y === "") return (x === "") - (y === "");
    const difference = key === "name" ? x.localeCompare(y, undefined, { numeric: true }) : x - y;
    return isDown ? -difference : difference;
  };
  const headings = [...document.querySelectorAll("[data-key]")];
  for (const heading of headings) {
    heading.addEventListener("click", () => {
      const cell = heading.parentElement;
      const isSame = heading.dataset.sorted;
      const isDown = isSame ? isSame === "up" : heading.dataset.down === "1";
      for (const other of headings) {
        delete other.dataset.sorted;
        other.parentElement.removeAttribute("aria-sort");
      }
      heading.dataset.sorted = isDown ? "down" : "up";
      cell.setAttribute("aria-sort", isDown ? "descending" : "ascending");
      rows.append(...[...rows.children].sort(order(heading.dataset.key, isDown)));
    });
  }
  const filters = [...document.querySelectorAll("[data-show]")];
  for (const filter of filters) {
    filter.addEventListener("click", () => {
      for (const other of filters) other.setAttribute("aria-pressed", other === filter);
      const show = filter.dataset.show;
      for (const row of rows.children) row.hidden = show !== "all" && row.dataset.class !== show;
    });
  }
}
