// Bundles the pages: node tools/build.mjs [--out DIR] [--embed FILE.cpp] [--watch]
//
// The output folder holds the files as a server serves them, hashed names under /assets/. With --embed a C++ file is written beside it
// that carries them, plain and gzipped, into the program.

import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';

const web = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(web, 'src');
const { values: options } = parseArgs({ options: { out: { type: 'string' }, embed: { type: 'string' } } });
const out = resolve(options.out ?? join(web, 'dist'));

/** The first page: document, style, script and one catalogue, gzipped. */
const budget = 60_000;

const types = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
};

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
const outputs = await bundle();
await writeDocument(outputs);
for (const file of ['favicon.svg', 'manifest.webmanifest']) await writeFile(join(out, file), await readFile(join(source, file)));
const assets = await readAssets();
checkBudget(assets, outputs);
if (options.embed) await embed(assets, resolve(options.embed));

async function bundle() {
  const result = await build({
    entryPoints: { main: join(source, 'main.tsx'), style: join(source, 'style.css') },
    outdir: join(out, 'assets'),
    absWorkingDir: web,
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    target: ['chrome105', 'firefox110', 'safari16'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    metafile: true,
    legalComments: 'none',
    charset: 'utf8',
    logLevel: 'warning',
  });
  const paths = Object.entries(result.metafile.outputs);
  const urlOf = (entry) => {
    const [path] = paths.find(([, output]) => output.entryPoint === entry);
    return `/${relative(out, resolve(web, path))}`;
  };
  return { script: urlOf('src/main.tsx'), style: urlOf('src/style.css'), english: urlOf('src/locales/en.json') };
}

async function writeDocument({ script, style }) {
  const template = await readFile(join(source, 'index.html'), 'utf8');
  await writeFile(join(out, 'index.html'), template.replace('%SCRIPT%', script).replace('%STYLE%', style));
}

async function readAssets() {
  const names = await readdir(out, { recursive: true });
  const files = names.filter((name) => extname(name) in types).sort();
  return Promise.all(
    files.map(async (name) => {
      const plain = await readFile(join(out, name));
      const gzip = gzipSync(plain, { level: 9 });
      return {
        path: `/${name}`,
        type: types[extname(name)],
        etag: createHash('sha256').update(plain).digest('hex'),
        plain,
        // Not worth a round of inflating when it saves next to nothing.
        gzip: gzip.length < plain.length * 0.95 ? gzip : undefined,
      };
    }),
  );
}

function checkBudget(assets, outputs) {
  const first = ['/index.html', ...Object.values(outputs)].map((path) => assets.find((asset) => asset.path === path));
  const shared = assets.filter((asset) => /\/assets\/chunk-/.test(asset.path));
  const total = [...first, ...shared].reduce((sum, { plain, gzip }) => sum + (gzip ?? plain).length, 0);
  console.log(`web: ${assets.length} files, first page ${(total / 1000).toFixed(1)} kB gzipped`);
  if (total > budget) throw new Error(`the first page may have ${budget / 1000} kB gzipped`);
}

async function embed(assets, file) {
  const folder = join(dirname(file), `${basename(file, '.cpp')}-files`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });

  const blobs = [];
  const blob = async (label, bytes) => {
    if (!bytes) return '{}';
    const path = join(folder, label);
    await writeFile(path, bytes);
    blobs.push({ label, path });
    return `{${label}, ${bytes.length}}`;
  };
  const rows = [];
  for (const [index, { path, type, etag, plain, gzip }] of assets.entries()) {
    const plainSpan = await blob(`web_asset_${index}`, plain);
    const gzipSpan = await blob(`web_asset_${index}_gzip`, gzip);
    rows.push(`    {${text(path)}, ${text(type)}, ${text(etag)},\n     ${plainSpan}, ${gzipSpan}},`);
  }

  // The assembler is spoken to from C++ so that the object carries the same hardening notes as every other.
  const sections = blobs.map(({ label, path }) => `asm(${text(`.section .rodata\n.balign 16\n.global ${label}\n.hidden ${label}\n${label}:\n.incbin "${path}"\n.previous\n`)});`);
  const externs = blobs.map(({ label }) => `extern "C" const std::byte ${label}[];`);
  await writeFile(
    file,
    `// Written by web/tools/build.mjs.\n#include "web/assets.hpp"\n\n${sections.join('\n')}\n\n${externs.join('\n')}\n
namespace fairlead::web {
namespace {

const http_server::Asset table[] = {
${rows.join('\n')}
};

} // namespace

std::span<const http_server::Asset> assets() { return table; }

} // namespace fairlead::web
`,
  );
}

function text(value) {
  return JSON.stringify(value);
}
