// Catalogues: flat objects of texts with {holes}; a text that depends on a number has one entry per plural form, "key.one", "key.other".

import type english from '../locales/en.json';

export type TextKey = keyof typeof english;
export type Catalogue = Record<TextKey, string>;
export type Holes = Record<string, string | number>;

type PluralKey<K> = K extends `${infer Base}.other` ? Base : never;
export type CountKey = PluralKey<TextKey>;

export const languages = ['en', 'de', 'fr', 'es', 'ja'] as const;
export type Language = (typeof languages)[number];

/** The first language that somebody asks for and we have; a region is no obstacle. */
export function choose(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const base = tag.toLowerCase().split('-')[0];
    const found = languages.find((language) => language === base);
    if (found) return found;
  }
  return 'en';
}

export function fill(text: string, holes: Holes, language: string): string {
  return text.replace(/\{(\w+)\}/g, (hole, name: string) => {
    const value = holes[name];
    if (value === undefined) return hole;
    return typeof value === 'number' ? new Intl.NumberFormat(language).format(value) : value;
  });
}

export function plural(catalogue: Catalogue, language: string, key: CountKey, count: number): string {
  const form = new Intl.PluralRules(language).select(count);
  const texts = catalogue as Record<string, string>;
  return fill(texts[`${key}.${form}`] ?? texts[`${key}.other`]!, { count }, language);
}

const accents: Record<string, string> = {
  a: 'á', b: 'ƀ', c: 'ç', d: 'đ', e: 'é', f: 'ƒ', g: 'ğ', h: 'ĥ', i: 'í', j: 'ĵ', k: 'ķ', l: 'ļ', m: 'ɱ', n: 'ñ', o: 'ó', p: 'þ', q: 'ɋ',
  r: 'ŕ', s: 'š', t: 'ţ', u: 'ú', v: 'ṽ', w: 'ŵ', x: 'ẋ', y: 'ý', z: 'ž',
};

/** English made strange: accented, a third longer, in brackets. What stays plain on the page was never in a catalogue. */
export function pseudo(text: string): string {
  const strange = text.replace(/\{\w+\}|[a-z]/gi, (found) => {
    if (found.startsWith('{')) return found;
    const accented = accents[found.toLowerCase()] ?? found;
    return found === found.toLowerCase() ? accented : accented.toUpperCase();
  });
  return `⟦${strange}${'·'.repeat(Math.ceil(text.length / 3))}⟧`;
}
