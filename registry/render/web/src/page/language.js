// The language of the page: the words of every language travel with it, and it can be switched in the page.

let current;
let tables = {};
const listeners = new Set();

/** Takes the words of all languages: `{zh: {words}, en: {words}}`. */
export function learn(says) {
  tables = says;
}

/** The language that the page opens in, unless a link has chosen one. */
export function openIn(lang) {
  if (current === undefined && lang) show(lang);
}

function show(lang) {
  current = lang;
  document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en';
}

/** The language of the page: `zh` or `en`. */
export function language() {
  return current ?? 'zh';
}

/** The languages that the page can speak. */
export function languages() {
  return Object.keys(tables);
}

/** The page's own words in every language, as pairs. */
export function eachWords() {
  return Object.entries(tables).map(([lang, says]) => [lang, says.words]);
}

/** The page's own words in its language. */
export function words() {
  return tables[language()]?.words ?? {};
}

/** What a block says in the page's language: its fields, terms, labels. */
export function said(meta) {
  return meta.says?.[language()] ?? meta.says?.[meta.lang] ?? {};
}

/** Calls `listener` whenever the language has been switched; returns what takes it off again. */
export function onLanguage(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Switches the language; one that the page does not speak is left alone. */
export function setLanguage(lang) {
  if (lang === current || (languages().length && !languages().includes(lang))) return;
  show(lang);
  listeners.forEach((listener) => listener(lang));
}
