// Unit tests of the pure logic: bundled to plain modules, run by node's own test runner.

import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const tests = join(dirname(dirname(fileURLToPath(import.meta.url))), 'test');
const out = mkdtempSync(join(tmpdir(), 'fairlead-web-test-'));
try {
  const entryPoints = readdirSync(tests).filter((name) => name.endsWith('_test.ts')).map((name) => join(tests, name));
  await build({ entryPoints, outdir: out, outExtension: { '.js': '.mjs' }, bundle: true, platform: 'node', format: 'esm', target: 'node18', sourcemap: 'inline', logLevel: 'warning' });
  const files = readdirSync(out).map((name) => join(out, name));
  process.exitCode = spawnSync(process.execPath, ['--enable-source-maps', '--test', ...process.argv.slice(2), ...files], { stdio: 'inherit' }).status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
