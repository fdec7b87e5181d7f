// Shows the slides one at a time: by keys, by the two buttons, or by the number in the address.
// When printed, or without this script, all of them are there, one below the other.
const slides = [...document.querySelectorAll(".slide")];
const [back, on] = document.querySelectorAll("nav button");
const keys = {
  ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1,
  Home: -Infinity, End: Infinity,
};
let current = 0;

function show(index) {
  current = Math.max(0, Math.min(slides.length - 1, index));
  slides.forEach((slide, at) => slide.classList.toggle("current", at === current));
  document.querySelector("output").textContent = `${current + 1} / ${slides.length}`;
  history.replaceState(null, "", `#${current + 1}`);
}

function fill() {
  const scale = Math.min(innerWidth / 1280, innerHeight / 720);
  document.documentElement.style.setProperty("--scale", scale);
}

addEventListener("keydown", (event) => {
  const onButton = event.key === " " && event.target.localName === "button";
  if (!(event.key in keys) || onButton || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  show(current + keys[event.key]);
});
addEventListener("hashchange", () => show(parseInt(location.hash.slice(1), 10) - 1 || 0));
addEventListener("resize", fill);
back.addEventListener("click", () => show(current - 1));
on.addEventListener("click", () => show(current + 1));
document.documentElement.classList.add("one");
fill();
show(parseInt(location.hash.slice(1), 10) - 1 || 0);
