// The page's sentences in the reader's language. `{x}` in one is a place for something else.

import { at, data } from "./data.mjs";

export const languages = Object.keys(data.texts);
export const spokenIn = { language: languages.includes(data.language) ? data.language : preferred() };

function preferred() {
  const wanted = navigator.languages.map(one => one.slice(0, 2)).find(one => languages.includes(one));
  return wanted || "en";
}

// A text; its places filled with texts.
export function t(key, places = {}) {
  return data.texts[spokenIn.language][key].replace(/\{(\w+)\}/g, (_, name) => places[name]);
}

// The same as a list of texts and what stands in the places, elements perhaps.
export function sentence(key, places) {
  return data.texts[spokenIn.language][key].split(/\{(\w+)\}/)
    .map((part, i) => (i % 2 ? places[part] : part)).flat().filter(part => part !== "");
}

// Write the page's own texts, and those that are only heard.
export function writeTexts() {
  document.documentElement.lang = { zh: "zh-Hans" }[spokenIn.language] || spokenIn.language;
  for (const one of document.querySelectorAll("[data-t]")) one.textContent = t(one.dataset.t);
  for (const one of document.querySelectorAll("[data-says]")) {
    one.setAttribute("aria-label", t(one.dataset.says));
    if (one.dataset.keys) one.title = `${t(one.dataset.says)} (${one.dataset.keys})`;
  }
  for (const one of document.querySelectorAll("#picture .word")) one.textContent = t("gradient_short");
  at("language").value = spokenIn.language;
}
