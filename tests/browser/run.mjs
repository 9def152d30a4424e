// Runs the call page in Chromium against the built server: node run.mjs [--list] [FILTER...]
//
// One line per case, "ok", "not ok" or "ok ... # SKIP reason", and a closing line; exit 1 when a case failed, 77 when none could run.
// FAIRLEAD_BINARY names another server, FAIRLEAD_CHROMIUM another browser, FAIRLEAD_ARTIFACTS another folder for screenshots.

import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const longestCase = 120_000;

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const cases = [];
for (const file of readdirSync(join(here, 'cases')).sort()) {
  const module = await importCases(file);
  for (const [name, run] of Object.entries(module)) cases.push({ name: `${file.replace('.mjs', '')}: ${name}`, run });
}
const chosen = cases.filter(({ name }) => wanted.length === 0 || wanted.some((filter) => name.includes(filter)));

if (process.argv.includes('--list')) {
  chosen.forEach(({ name }) => console.log(name));
} else {
  process.exitCode = await main();
}

async function importCases(file) {
  if (!existsSync(join(here, 'node_modules/playwright-core'))) return { [file]: undefined };
  return (await import(join(here, 'cases', file))).default;
}

async function main() {
  const reason = await obstacle();
  if (reason) {
    chosen.forEach(({ name }, index) => console.log(`ok ${index + 1} - ${name} # SKIP ${reason}`));
    return close(0, 0, chosen.length);
  }
  const { Server } = await import('./support/server.mjs');
  const { launch, Person } = await import('./support/browser.mjs');
  const server = await Server.start();
  const browser = await launch(await server.keyHash());
  let [passed, failed, skipped] = [0, 0, 0];
  for (const [index, { name, run }] of chosen.entries()) {
    const began = Date.now();
    const people = [];
    const open = async (...args) => {
      const person = await Person.open(browser, ...args);
      people.push(person);
      return person;
    };
    const skip = (why) => Object.assign(new Error(why), { skip: true });
    let error;
    try {
      await inTime(run({ server, browser, open, skip }));
      const complaints = people.flatMap((person) => person.complaints.filter((complaint) => !person.expects?.test(complaint)));
      if (complaints.length > 0) throw new Error(`the page complained:\n${complaints.join('\n')}`);
    } catch (caught) {
      error = caught;
      if (!error.skip) await Promise.all(people.map((person) => person.screenshot(`failed-${index + 1}-${person.name}`).catch(() => {})));
    }
    await Promise.all(people.map((person) => person.close().catch(() => {})));
    const time = `(${((Date.now() - began) / 1000).toFixed(1)} s)`;
    if (!error) {
      ++passed;
      console.log(`ok ${index + 1} - ${name} ${time}`);
    } else if (error.skip) {
      ++skipped;
      console.log(`ok ${index + 1} - ${name} # SKIP ${error.message}`);
    } else {
      ++failed;
      console.log(`not ok ${index + 1} - ${name} ${time}`);
      console.log(String(error.stack).replace(/^/gm, '  # '));
      people.flatMap((person) => person.complaints).forEach((complaint) => console.log(`  # ${complaint}`));
    }
  }
  await browser.close();
  if (failed > 0) console.log(server.log.split('\n').slice(-40).join('\n').replace(/^/gm, '  # server: '));
  await server.end();
  return close(passed, failed, skipped);
}

/** Why nothing can run here, if so. */
async function obstacle() {
  if (!existsSync(join(here, 'node_modules/playwright-core'))) return 'the packages of tests/browser are not installed (npm ci)';
  const { hasChromium, chromiumPath } = await import('./support/browser.mjs');
  if (!hasChromium) return `no ${chromiumPath}`;
  const { binary } = await import('./support/server.mjs');
  return existsSync(binary) ? undefined : `${binary} is not built`;
}

function inTime(work) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error('took too long')), longestCase)));
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function close(passed, failed, skipped) {
  console.log(`1..${chosen.length}`);
  console.log(`browser: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  if (failed > 0) return 1;
  return passed === 0 ? 77 : 0;
}
