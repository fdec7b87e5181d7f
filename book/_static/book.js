// Marks inline formulas that are wider than the block they stand in, so that book.css lets them
// scroll. Scrolling moves a formula's baseline a little, so the others are left alone.
(() => {
  const mark = () => {
    const formulas = [...document.querySelectorAll("span.math > mjx-container")];
    formulas.forEach((formula) => formula.classList.remove("too-wide"));
    formulas
      .filter((formula) => {
        const block = formula.closest("p, li, dd, td, figcaption, h1, h2, h3, div");
        return formula.getBoundingClientRect().width > block.clientWidth;
      })
      .forEach((formula) => formula.classList.add("too-wide"));
  };
  window.addEventListener("load", () => {
    const typeset = window.MathJax?.startup?.promise;
    typeset?.then(mark, () => {}); // where formulas fail, MathJax itself says so
  });
  window.addEventListener("resize", mark);
})();
