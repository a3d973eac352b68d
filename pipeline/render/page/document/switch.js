/*
 * The language of a page that stands without a script: briefs, reviews, the index.
 *
 * Both languages lie in the markup and the style sheet shows one (see bilingual.py): this
 * switches between them, names the language in links to other pages, and prints. On the index it
 * also leads to the card of the metro that the address names, as maps do for their scenarios.
 */

/** @typedef {"zh" | "en"} Language */

const root = document.documentElement;

/** @param {string} text @returns {Language} */
function asLanguage(text) {
  return text === "en" ? "en" : "zh";
}

/** @returns {Language} The one that the address asks for, else the one the page opens in. */
function wanted() {
  const asked = /(?:^|[#&])lang=(zh|en)(?:&|$)/.exec(location.hash);
  return asLanguage(asked ? asked[1] : root.className.replace("show-", ""));
}

/** @param {Language} language */
function nameInLinks(language) {
  for (const link of document.querySelectorAll('a[href*=".html"]')) {
    if (!(link instanceof HTMLAnchorElement)) continue;
    const parts = link.hash.replace(/^#/, "").split("&");
    const others = parts.filter((each) => each && !each.startsWith("lang="));
    link.hash = [...others, `lang=${language}`].join("&");
  }
}

/** @param {Language} language */
function show(language) {
  root.className = `show-${language}`;
  root.lang = language === "zh" ? "zh-CN" : "en";
  document.title = document.body.getAttribute(`data-title-${language}`) ?? document.title;
  nameInLinks(language);
  const button = document.getElementById("lang");
  if (!button) return;
  button.textContent = language === "zh" ? "English" : "中文";
  button.lang = language === "zh" ? "en" : "zh-CN";
}

/** @param {string} id @param {() => void} act */
function offer(id, act) {
  const button = document.getElementById(id);
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", act);
}

/** Show the card of the metro that the address names. */
function leadToMetro() {
  const asked = /(?:^|[#&])metro=([\w-]+)(?:&|$)/.exec(location.hash);
  const card = asked && document.getElementById(`metro-${asked[1]}`);
  if (!card) return;
  for (const each of document.querySelectorAll(".asked")) each.classList.remove("asked");
  card.classList.add("asked");
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "center" });
}

offer("lang", () => show(otherLanguage()));
offer("print", () => window.print());
show(wanted());
leadToMetro();
addEventListener("hashchange", leadToMetro);

/** @returns {Language} The other one. */
function otherLanguage() {
  return root.className === "show-zh" ? "en" : "zh";
}
