/*
 * The state that a history's map shows, chosen by its slider.
 */

const clock = document.getElementById("through-time");
if (clock instanceof HTMLInputElement) {
  const map = clock.closest("figure");
  const showStep = () => {
    const now = Number(clock.value);
    for (const each of map?.querySelectorAll("[data-step]") ?? []) {
      const step = Number(each.getAttribute("data-step"));
      const isMark = each.classList.contains("mark");
      each.classList.toggle("off", isMark ? step > now : step !== now);
      each.classList.toggle("now", isMark && step === now);
      if (!isMark && step === now && each.classList.contains("tag"))
        clock.setAttribute("aria-valuetext", each.textContent ?? "");
    }
  };
  clock.hidden = false;
  clock.addEventListener("input", showStep);
  showStep();
}
