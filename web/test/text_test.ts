import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import de from '../src/locales/de.json';
import en from '../src/locales/en.json';
import es from '../src/locales/es.json';
import fr from '../src/locales/fr.json';
import ja from '../src/locales/ja.json';
import { choose, fill, languages, plural, pseudo, type Catalogue } from '../src/logic/i18n.ts';
import { readOptions } from '../src/logic/options.ts';

const catalogues: Record<string, Record<string, string>> = { en, de, fr, es, ja };
const english: Record<string, string> = en;
const holes = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([hole]) => hole).sort();
const pluralBases = Object.keys(english).filter((key) => key.endsWith('.other')).map((key) => key.slice(0, -'.other'.length));
const isPlural = (key: string) => pluralBases.some((base) => key.startsWith(`${base}.`));

describe('every catalogue', () => {
  test('is one of the languages offered', () => assert.deepEqual(Object.keys(catalogues).sort(), [...languages].sort()));

  for (const [language, catalogue] of Object.entries(catalogues)) {
    test(`${language}: has every text, with the same holes, and no other`, () => {
      const plain = (keys: string[]) => keys.filter((key) => !isPlural(key)).sort();
      assert.deepEqual(plain(Object.keys(catalogue)), plain(Object.keys(english)));
      for (const key of plain(Object.keys(english))) {
        assert.deepEqual(holes(catalogue[key]!), holes(english[key]!), key);
        assert.ok(catalogue[key]!.trim() !== '', key);
      }
    });

    test(`${language}: has a form for every number`, () => {
      const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories.filter((form) => form !== 'many');
      for (const base of pluralBases) {
        for (const form of forms) assert.deepEqual(holes(catalogue[`${base}.${form}`] ?? ''), ['{count}'], `${base}.${form}`);
      }
    });
  }

  test('says something of its own', () => {
    for (const [language, catalogue] of Object.entries(catalogues)) {
      if (language === 'en') continue;
      const same = Object.keys(english).filter((key) => catalogue[key] === english[key]);
      assert.ok(same.length <= 6, `${language} leaves ${same} in English`);
    }
  });
});

describe('text', () => {
  test('fills its holes, numbers as the language writes them', () => {
    assert.equal(fill('{name}: {count}', { name: '<b>', count: 1234567 }, 'de'), '<b>: 1.234.567');
    assert.equal(fill('{unknown}', {}, 'en'), '{unknown}');
  });

  test('takes the form that a number asks for', () => {
    assert.equal(plural(en as Catalogue, 'en', 'people.count', 1), '1 person is online besides you');
    assert.equal(plural(en as Catalogue, 'en', 'people.count', 3), '3 people are online besides you');
    assert.match(plural(ja as unknown as Catalogue, 'ja', 'people.count', 1), /1/);
    assert.equal(plural(fr as Catalogue, 'fr', 'people.count', 0), '0 autre personne est en ligne');
  });

  test('made strange has no plain letter left, and its holes unharmed', () => {
    for (const text of Object.values(english)) {
      assert.doesNotMatch(pseudo(text).replace(/\{\w+\}/g, ''), /[a-z]/i);
      assert.deepEqual(holes(pseudo(text)), holes(text));
    }
  });

  test('comes in the first language that is wanted and known', () => {
    assert.equal(choose(['pt-BR', 'fr-CA', 'en']), 'fr');
    assert.equal(choose(['JA']), 'ja');
    assert.equal(choose([]), 'en');
  });
});

describe('the address of the page', () => {
  test('may ask for nothing', () => assert.deepEqual(readOptions('', ''), { relayOnly: false, autoAccept: false }));

  test('may ask for a name, a path, a language', () => {
    assert.deepEqual(readOptions('?name=%20alice%20&relay=1&transport=tls&autoaccept=1&lang=de', '#oidc=a.b.c'), {
      name: 'alice', relayOnly: true, transport: 'tls', autoAccept: true, language: 'de', token: 'a.b.c',
    });
  });

  test('is not taken at its word', () => {
    assert.deepEqual(readOptions('?name=%20&relay=0&transport=carrier-pigeon&autoaccept=no', ''), { relayOnly: false, autoAccept: false });
  });
});
