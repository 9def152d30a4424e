// What the compiler does not know: texts belong into the catalogues, catalogues belong together, and pure logic stays pure.

import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const web = dirname(dirname(fileURLToPath(import.meta.url)));
const findings = [];

for (const name of await readdir(join(web, 'src'), { recursive: true })) {
  if (/\.tsx?$/.test(name)) check(name, await readFile(join(web, 'src', name), 'utf8'));
}
await findUnusedTexts();
findings.forEach((finding) => console.error(finding));
console.log(`lint: ${findings.length} findings`);
process.exitCode = findings.length > 0 ? 1 : 0;

function check(name, text) {
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true, name.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS);
  const report = (node, message) => {
    const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
    findings.push(`src/${name}:${line + 1}: ${message}`);
  };
  const spokenAttributes = new Set(['aria-label', 'aria-description', 'title', 'alt', 'placeholder', 'label']);
  const pageNames = new Set(['document', 'window', 'navigator', 'location', 'localStorage', 'WebSocket', 'RTCPeerConnection', 'fetch', 'setTimeout', 'setInterval']);
  const pure = name.startsWith('logic/');

  const visit = (node) => {
    if (ts.isJsxText(node) && /\p{L}/u.test(node.text)) report(node, `text outside the catalogues: ${node.text.trim()}`);
    if (ts.isJsxExpression(node) && node.expression && ts.isStringLiteral(node.expression) && ts.isJsxElement(node.parent) && /\p{L}/u.test(node.expression.text)) {
      report(node, `text outside the catalogues: ${node.expression.text}`);
    }
    if (ts.isJsxAttribute(node)) {
      const attribute = node.name.getText(file);
      if (spokenAttributes.has(attribute) && node.initializer && ts.isStringLiteral(node.initializer)) report(node, `text outside the catalogues in ${attribute}`);
      if (attribute === 'style') report(node, 'the content security policy allows no style attributes');
      if (attribute === 'dangerouslySetInnerHTML') report(node, 'markup from text');
    }
    if (ts.isPropertyAccessExpression(node) && /^(innerHTML|outerHTML|insertAdjacentHTML)$/.test(node.name.text)) report(node, 'markup from text');
    if (pure && ts.isIdentifier(node) && pageNames.has(node.text) && !ts.isPropertyAccessExpression(node.parent)) report(node, `logic knows no ${node.text}`);
    if (pure && ts.isImportDeclaration(node) && /\.\.\/(io|ui)\//.test(node.moduleSpecifier.text)) report(node, 'logic imports nothing of the page');
    ts.forEachChild(node, visit);
  };
  visit(file);
}

async function findUnusedTexts() {
  const catalogue = JSON.parse(await readFile(join(web, 'src/locales/en.json'), 'utf8'));
  const names = await readdir(join(web, 'src'), { recursive: true });
  const code = (await Promise.all(names.filter((name) => /\.tsx?$/.test(name)).map((name) => readFile(join(web, 'src', name), 'utf8')))).join('\n');
  // A key may be put together: `ended.${ending}` uses all that begin with "ended.", with an optional tail.
  const patterns = [...code.matchAll(/[`']([a-z]+\.(?:[\w.-]|\$\{[^}]*\})*)[`']/gi)].map(
    ([, key]) => new RegExp(`^${key.split(/\$\{[^}]*\}/).map((part) => part.replace(/[.]/g, '\\.')).join('[\\w.-]+')}(\\.(one|other))?$`),
  );
  for (const key of Object.keys(catalogue)) {
    if (!patterns.some((pattern) => pattern.test(key))) findings.push(`${relative(web, join(web, 'src/locales/en.json'))}: ${key} is used nowhere`);
  }
}
