/*
 * The line between before and after on a scenario's map, moved by its slider.
 */

const slider = document.getElementById("before-after");
if (slider instanceof HTMLInputElement) {
  slider.hidden = false;
  slider.addEventListener("input", () => {
    slider.closest("figure")?.style.setProperty("--at", `${slider.value}%`);
  });
}
