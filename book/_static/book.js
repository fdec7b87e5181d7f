// Marks inline formulas that are wider than the block they stand in, so that book.css lets them
// scroll. Scrolling moves a formula's baseline a little, so the others are left alone. What scrolls
// sideways can be reached by the Tab key, so that the arrow keys scroll it.
(() => {
  const SCROLLING =
    ".bd-article :is(pre, table, .cell_output, div.math, mjx-container), .bd-article .output";
  const mark = () => {
    const formulas = [...document.querySelectorAll("span.math > mjx-container")];
    formulas.forEach((formula) => formula.classList.remove("too-wide"));
    formulas
      .filter((formula) => {
        const block = formula.closest("p, li, dd, td, figcaption, h1, h2, h3, div");
        return formula.getBoundingClientRect().width > block.clientWidth;
      })
      .forEach((formula) => formula.classList.add("too-wide"));
    document.querySelectorAll(SCROLLING).forEach((block) => {
      if (block.scrollWidth > block.clientWidth) block.tabIndex = 0;
      else if (block.tabIndex === 0) block.removeAttribute("tabindex");
    });
  };
  window.addEventListener("load", () => {
    const typeset = window.MathJax?.startup?.promise;
    mark();
    typeset?.then(mark, () => {}); // where formulas fail, MathJax itself says so
  });
  window.addEventListener("resize", mark);
  document.addEventListener("toggle", mark, true); // what folds has no width before
})();
