"use strict";
// Sorting and search for every table of the page. Without scripts the page shows the same tables.
(function () {
  function text(row, place) { return row.cells[place].textContent.trim(); }

  function compare(numeric, place, sign) {
    return function (one, other) {
      var a = text(one, place), b = text(other, place);
      if (numeric) {
        var x = parseFloat(a.replace(/,/g, "")), y = parseFloat(b.replace(/,/g, ""));
        // What has no amount is last in both directions.
        if (isNaN(x) || isNaN(y)) { return isNaN(x) - isNaN(y); }
        return sign * (x - y);
      }
      if (!a || !b) { return !a - !b; }
      return sign * a.localeCompare(b, "en", { numeric: true });
    };
  }

  function sortable(table) {
    var heads = Array.from(table.tHead.rows[0].cells);
    heads.forEach(function (head, place) {
      var numeric = head.classList.contains("n"), button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.textContent = "";
      head.appendChild(button);
      button.addEventListener("click", function () {
        var now = head.getAttribute("aria-sort");
        // Amounts start with the largest, texts with the first.
        var descending = now ? now === "ascending" : numeric;
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        var rows = Array.from(table.tBodies[0].rows).sort(compare(numeric, place, descending ? -1 : 1));
        table.tBodies[0].append.apply(table.tBodies[0], rows);
      });
    });
  }

  function searchable(block, table) {
    var tools = block.querySelector(".tools"), input = tools.querySelector("input"), status = tools.querySelector("[role=status]");
    var rows = Array.from(table.tBodies[0].rows);
    tools.hidden = false;
    input.addEventListener("input", function () {
      var words = input.value.toLowerCase().split(/\s+/).filter(Boolean), found = 0;
      rows.forEach(function (row) {
        var content = row.textContent.toLowerCase();
        row.hidden = !words.every(function (word) { return content.indexOf(word) >= 0; });
        found += row.hidden ? 0 : 1;
      });
      status.textContent = words.length ? found + " of " + rows.length + " rows" : "";
    });
  }

  document.querySelectorAll(".block").forEach(function (block) {
    var table = block.querySelector("table");
    sortable(table);
    searchable(block, table);
  });
})();
