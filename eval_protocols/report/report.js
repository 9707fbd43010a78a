// Sorting by a click on a column's head, videos that play while they are seen, and videos side by
// side that play together. The page is complete without it.
"use strict";

function valueOf(row, column) {
  const cell = row.cells[column];
  const text = cell.dataset.sort ?? cell.textContent.trim();
  const number = Number(text);
  return text !== "" && !Number.isNaN(number) ? number : text.toLowerCase();
}

function compare(a, b) {
  if (typeof a === typeof b) return a < b ? -1 : a > b ? 1 : 0;
  return typeof a === "number" ? -1 : 1;
}

function sortBy(table, column, descending) {
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [valueOf(row, column), row]);
  rows.sort((a, b) => (descending ? compare(b[0], a[0]) : compare(a[0], b[0])));
  body.append(...rows.map(([, row]) => row));
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      sortBy(table, column, descending);
    });
  });
}

// Videos side by side: what is done to one is done to all. They end at different times, and begin
// again when all have ended.
for (const group of document.querySelectorAll(".together")) {
  const videos = [...group.querySelectorAll("video")];
  const following = new Set(); // those that we have set to another time ourselves
  const ended = (video) => video.ended || video.currentTime >= video.duration;
  const play = (video) => video.play().catch(() => {}); // the browser may forbid it
  for (const video of videos) {
    const others = videos.filter((other) => other !== video);
    video.addEventListener("play", () => {
      for (const other of others) if (other.paused && !ended(other)) play(other);
    });
    video.addEventListener("pause", () => {
      if (!ended(video)) for (const other of others) other.pause();
    });
    video.addEventListener("seeking", () => {
      if (following.delete(video)) return;
      for (const other of others) {
        const time = Math.min(video.currentTime, other.duration || 0);
        if (Math.abs(other.currentTime - time) < 0.05) continue;
        following.add(other);
        other.currentTime = time;
      }
    });
    video.addEventListener("ended", () => {
      if (!videos.every(ended)) return;
      for (const each of videos) {
        following.add(each);
        each.currentTime = 0;
      }
      play(video);
    });
  }
}

if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
  const seen = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) target.play().catch(() => {}); // the browser may forbid it
        else target.pause();
      }
    },
    { threshold: 0.75 },
  );
  // Of videos side by side the first starts the others.
  for (const video of document.querySelectorAll(".clip:first-child video, .clips:not(.together *) video")) {
    seen.observe(video);
  }
}
