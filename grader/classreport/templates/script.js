"use strict";
// Everything can be read without this: it sorts, filters, and shows one student at a
// time. Students' pages lie in <noscript>, which costs nothing until one is opened.
document.documentElement.classList.add("js");

addEventListener("DOMContentLoaded", () => {
  const root = document.documentElement;
  const title = document.title;
  const byId = (id) => document.getElementById(id);
  const order = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

  // --- sorting

  const value = (row, column) => {
    const cell = row.cells[column];
    return (cell.dataset.value ?? cell.textContent).trim();
  };

  const sort = (table, header) => {
    const column = header.cellIndex;
    const numbers = header.classList.contains("n");
    // Of numbers the largest are looked for first.
    const first = numbers ? "descending" : "ascending";
    const second = numbers ? "ascending" : "descending";
    const direction = header.getAttribute("aria-sort") === first ? second : first;
    const sign = direction === "ascending" ? 1 : -1;
    const body = table.tBodies[0];
    const keyed = [...body.rows].map((row) => [value(row, column), row]);
    keyed.sort(([a], [b]) => sign * order.compare(a, b));
    if (numbers || keyed.every(([a]) => a !== "" && !isNaN(a))) {
      const number = (text) => (isNaN(parseFloat(text)) ? -Infinity : parseFloat(text));
      keyed.sort(([a], [b]) => sign * (number(a) - number(b) || 0));
    }
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", direction);
    body.append(...keyed.map(([, row]) => row));
  };

  for (const header of document.querySelectorAll("table.sortable th[data-sort]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => sort(header.closest("table"), header));
  }

  // --- filtering

  const form = document.querySelector(".filter");
  const rows = [...byId("matrix").tBodies[0].rows].map((row) => ({
    row,
    name: row.cells[0].dataset.value.toLowerCase(),
    section: row.dataset.section ?? "",
    states: row.dataset.state.split(" "),
  }));
  const filter = () => {
    const name = byId("filter-name").value.trim().toLowerCase();
    const section = byId("filter-section")?.value ?? "";
    const state = byId("filter-state").value;
    let shown = 0;
    for (const one of rows) {
      const fits = one.name.includes(name)
        && (!section || one.section === section)
        && (!state || one.states.includes(state));
      one.row.hidden = !fits;
      shown += fits;
    }
    byId("filter-count").value = `${shown} of ${rows.length} student${rows.length === 1 ? "" : "s"}`;
  };
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();

  // --- students' pages

  const link = (text, href) => {
    const made = document.createElement("a");
    made.textContent = text;
    made.href = href;
    return made;
  };

  const fill = (page) => {
    const kept = page.querySelector("noscript");
    if (!kept) return;
    const content = document.createElement("div");
    content.innerHTML = kept.textContent; // of our own template, escaped there
    kept.replaceWith(content);
    for (const reference of content.querySelectorAll("a.explain")) {
      const text = document.querySelector(`[id="${reference.hash.slice(1)}"] .text`);
      if (!text) continue;
      const details = document.createElement("details");
      const summary = document.createElement("summary");
      const copy = text.cloneNode(true);
      copy.className = "explained";
      summary.append(...reference.childNodes);
      details.append(summary, copy);
      reference.parentElement.replaceWith(details);
    }
    content.querySelector(".back")?.remove();
    // It is all that is shown then: its headings are the highest there are.
    page.querySelector("h2").ariaLevel = "1";
    for (const heading of content.querySelectorAll("h3")) heading.ariaLevel = "2";
    const pager = document.createElement("nav");
    pager.className = "pager";
    pager.setAttribute("aria-label", "Students");
    pager.append(link("All students", "#students"));
    const before = page.previousElementSibling;
    const after = page.nextElementSibling;
    if (before) pager.append(link("Previous student", `#${before.id}`));
    if (after) pager.append(link("Next student", `#${after.id}`));
    page.prepend(pager);
  };

  let last = null;
  const route = () => {
    const target = location.hash ? byId(location.hash.slice(1)) : null;
    const page = target?.closest(".student");
    document.querySelector(".student.open")?.classList.remove("open");
    root.classList.toggle("reading", Boolean(page));
    byId("pages").setAttribute("role", page ? "main" : "region");
    if (page) {
      fill(page);
      page.classList.add("open");
      last = page.id;
      document.title = `${page.querySelector("h2").textContent}: ${title}`;
      scrollTo(0, 0);
      page.focus({ preventScroll: true });
      return;
    }
    document.title = title;
    if (!target) return;
    target.scrollIntoView();
    const from = last && target.id === "students"
      ? document.querySelector(`#matrix a[href="#${last}"]`) : null;
    (from ?? target).focus({ preventScroll: !from });
    last = null;
  };
  addEventListener("hashchange", route);
  route();

  addEventListener("beforeprint", () => {
    const where = root.classList.contains("reading") ? ".student.open" : "main";
    for (const details of document.querySelectorAll(`${where} details:not(.told)`)) details.open = true;
  });

  performance.mark("forklab-ready");
});
