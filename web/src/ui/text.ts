// The language of the page: one catalogue at a time, loaded when it is chosen.

import { computed, signal } from '@preact/signals';
import { choose, fill, plural, pseudo, type Catalogue, type CountKey, type Holes, type Language, type TextKey } from '../logic/i18n.ts';

const load: Record<Language, () => Promise<{ default: unknown }>> = {
  en: () => import('../locales/en.json'),
  de: () => import('../locales/de.json'),
  fr: () => import('../locales/fr.json'),
  es: () => import('../locales/es.json'),
  ja: () => import('../locales/ja.json'),
};

const pseudoTag = 'qps';
const loaded = signal<{ language: Language; catalogue: Catalogue } | undefined>(undefined);

export const language = computed<Language>(() => loaded.value?.language ?? 'en');
export const ready = computed(() => loaded.value !== undefined);

/** Loads the catalogue of the best of the wanted languages, and falls back to English when it does not come. */
export async function speak(wanted: readonly string[]): Promise<void> {
  const chosen = choose(wanted);
  let catalogue: Catalogue;
  try {
    catalogue = (await load[chosen]()).default as Catalogue;
  } catch (error) {
    if (chosen === 'en') throw error;
    return speak(['en']);
  }
  if (wanted[0] === pseudoTag) {
    catalogue = Object.fromEntries(Object.entries(catalogue).map(([key, text]) => [key, pseudo(text)])) as Catalogue;
  }
  loaded.value = { language: chosen, catalogue };
  document.documentElement.lang = chosen;
  document.documentElement.dir = 'ltr';
}

export function t(key: TextKey, holes: Holes = {}): string {
  const { catalogue, language: tag } = loaded.value!;
  return fill(catalogue[key], holes, tag);
}

export function tCount(key: CountKey, count: number): string {
  const { catalogue, language: tag } = loaded.value!;
  return plural(catalogue, tag, key, count);
}
