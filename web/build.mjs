// node build.mjs OUT.cpp: bundles src/ and writes it, compressed in advance, as one C++ file.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const GZIP_BYTES_MAX = 120 * 1024; // Of all that a first visit loads.

const types = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  html: 'text/html; charset=utf-8',
};
const hash = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

async function bundle(entry) {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: ['chrome109', 'firefox115', 'safari16'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    charset: 'utf8',
    logLevel: 'warning',
  });
  return Buffer.from(result.outputFiles[0].contents);
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

const [out] = process.argv.slice(2);
const files = [
  asset('boot', 'js', await bundle('src/boot.ts')),
  asset('app', 'js', await bundle('src/main.tsx')),
  asset('app', 'css', await bundle('src/style/main.css')),
  asset('icon', 'svg', readFileSync('src/icon.svg')),
];
let page = readFileSync('src/index.html', 'utf8');
for (const [mark, file] of [
  ['BOOT', 0],
  ['APP', 1],
  ['STYLE', 2],
  ['ICON', 3],
])
  page = page.replaceAll(`{{${mark}}}`, files[file].path);
const html = Buffer.from(page);
files.unshift({ path: '/', type: types.html, tag: hash(html), bytes: html });

writeFileSync(out, source(files));
const gzip = files.reduce((sum, file) => sum + file.gzip, 0);
console.log(`page: ${files.length} files, ${(gzip / 1024).toFixed(1)} KB with gzip`);
if (gzip > GZIP_BYTES_MAX) {
  console.error(
    `page: ${gzip} bytes with gzip are more than the ${GZIP_BYTES_MAX} that it may have`,
  );
  process.exit(1);
}
