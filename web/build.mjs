// node build.mjs OUT.cpp [FOLDER]: bundles src/ and writes it, compressed in advance, as one C++ file; the files
// themselves go to FOLDER, where one is named.
//
// Pages that few first visits open are chunks of their own: the app asks for them when they are opened.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const FIRST_BYTES_MAX = 120 * 1024; // With gzip, of all that a first visit loads.
const ALL_BYTES_MAX = 250 * 1024; // Of all files.

const types = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  html: 'text/html; charset=utf-8',
};
const hash = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

const options = {
  bundle: true,
  minify: true,
  write: false,
  target: ['chrome109', 'firefox115', 'safari16'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  charset: 'utf8',
  logLevel: 'warning',
};

async function bundle(entry) {
  const result = await build({ ...options, entryPoints: [entry], format: 'iife' });
  return Buffer.from(result.outputFiles[0].contents);
}

/** The app and its chunks; names have the hash of what they hold, since chunks name each other. */
async function bundleApp() {
  const result = await build({
    ...options,
    entryPoints: { app: 'src/main.tsx' },
    format: 'esm',
    splitting: true,
    metafile: true,
    outdir: 'assets',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
  });
  const outputs = Object.entries(result.metafile.outputs);
  const [entry, { imports }] = outputs.find(([, output]) => output.entryPoint === 'src/main.tsx');
  const first = new Set([entry]);
  const add = (list) => {
    for (const { path, kind } of list)
      if (kind === 'import-statement' && !first.has(path)) {
        first.add(path);
        add(result.metafile.outputs[path].imports);
      }
  };
  add(imports);
  const files = result.outputFiles.map(({ path, contents }) => {
    const bytes = Buffer.from(contents);
    const name = `assets/${basename(path)}`;
    return { path: `/${name}`, type: types.js, tag: hash(bytes), bytes, isLater: !first.has(name) };
  });
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { entry: `/${entry}`, files, preloads: [...first].slice(1).map((path) => `/${path}`) };
}

function asset(name, ending, bytes) {
  const tag = hash(bytes);
  return { path: `/assets/${name}-${tag}.${ending}`, type: types[ending], tag, bytes };
}

// Octal escapes of three digits: the next character can never become part of them.
function literal(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 120) {
    let line = '';
    for (const byte of bytes.subarray(at, at + 120)) {
      const plain = byte >= 32 && byte < 127 && byte !== 34 && byte !== 92 && byte !== 63;
      line += plain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
    }
    lines.push(`"${line}"`);
  }
  return `{\n${lines.join('\n') || '""'},\n${bytes.length}}`;
}

function source(files) {
  const items = files.map((file) => {
    const gzip = gzipSync(file.bytes, { level: 9 });
    gzip[9] = 255; // The field for the system that made it: the same bytes on every machine.
    const brotli = brotliCompressSync(file.bytes, {
      params: { [constants.BROTLI_PARAM_SIZE_HINT]: file.bytes.length },
    });
    file.gzip = gzip.length;
    return `{"${file.path}", "${file.type}", "${file.tag}",\n${[file.bytes, gzip, brotli].map(literal).join(',\n')}}`;
  });
  return `// Made by web/build.mjs.
#include "ui/detail/assets.hpp"

namespace slipway::ui {
namespace {
constexpr Asset all[] = {
${items.join(',\n')}};
}  // namespace
std::span<const Asset> assets() { return all; }
}  // namespace slipway::ui
`;
}

const [out, folder] = process.argv.slice(2);
const app = await bundleApp();
const boot = asset('boot', 'js', await bundle('src/boot.ts'));
const style = asset('app', 'css', await bundle('src/style/main.css'));
const icon = asset('icon', 'svg', readFileSync('src/icon.svg'));
let page = readFileSync('src/index.html', 'utf8');
for (const [mark, path] of [
  ['BOOT', boot.path],
  ['APP', app.entry],
  ['STYLE', style.path],
  ['ICON', icon.path],
])
  page = page.replaceAll(`{{${mark}}}`, path);
page = page.replace(/.*\{\{PRELOAD\}\}.*\n/, (line) =>
  app.preloads.map((path) => line.replace('{{PRELOAD}}', path)).join(''),
);
const html = Buffer.from(page);
const files = [
  { path: '/', type: types.html, tag: hash(html), bytes: html },
  boot,
  style,
  icon,
  ...app.files,
];

writeFileSync(out, source(files));
if (folder)
  for (const file of files) {
    const to = join(folder, file.path === '/' ? 'index.html' : file.path);
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, file.bytes);
  }
const sum = (list) => list.reduce((bytes, file) => bytes + file.gzip, 0);
const first = sum(files.filter((file) => !file.isLater));
const all = sum(files);
const kilobytes = (bytes) => (bytes / 1024).toFixed(1);
console.log(
  `page: ${files.length} files, ${kilobytes(first)} KB with gzip for a first visit, ${kilobytes(all)} KB in all`,
);
if (first > FIRST_BYTES_MAX || all > ALL_BYTES_MAX) {
  console.error(
    `page: with gzip a first visit may load ${FIRST_BYTES_MAX} bytes, all files may have ${ALL_BYTES_MAX}; they have ${first} and ${all}`,
  );
  process.exit(1);
}
