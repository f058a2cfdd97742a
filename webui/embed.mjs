// node embed.mjs DIST OUT.cpp: writes the built files as C++ constants (see assets.hpp).
// Output depends on the files alone, so an unchanged build compiles nothing again.

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { extname, join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}
const GZIP_PAYS = 0.9
const BYTES_PER_LINE = 64

function filesOf(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    return entry.isDirectory() ? filesOf(path) : [path]
  })
}

// Octal escapes have three digits always: a digit that follows cannot become part of them.
function literal(buffer) {
  const lines = []
  for (let at = 0; at < buffer.length; at += BYTES_PER_LINE) {
    let line = ''
    for (const byte of buffer.subarray(at, at + BYTES_PER_LINE)) {
      const plain = byte >= 32 && byte < 127 && byte !== 34 && byte !== 92 && byte !== 63
      line += plain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`
    }
    lines.push(`    "${line}"`)
  }
  return lines.length ? lines.join('\n') : '    ""'
}

function assetOf(dist, file) {
  const type = TYPES[extname(file)]
  if (!type) throw new Error(`embed: no content type for ${file}: add its extension to embed.mjs`)
  const bytes = readFileSync(file)
  const packed = gzipSync(bytes, { level: 9 })
  packed[9] = 255 // the gzip header's "operating system": the same bytes from every machine
  const path = `/${relative(dist, file).replaceAll('\\', '/')}`
  return {
    path,
    type,
    bytes,
    gzip: packed.length < bytes.length * GZIP_PAYS ? packed : Buffer.alloc(0),
    etag: `"${createHash('sha256').update(bytes).digest('hex').slice(0, 20)}"`,
    immutable: path.startsWith('/assets/'),
  }
}

const [dist, out] = process.argv.slice(2)
const assets = filesOf(dist)
  .map((file) => assetOf(dist, file))
  .sort((a, b) => (a.path < b.path ? -1 : 1))

const constants = assets.map(
  (a, i) =>
    `constexpr char kBytes${i}[] =\n${literal(a.bytes)};\n` +
    `constexpr char kGzip${i}[] =\n${literal(a.gzip)};\n`,
)
const rows = assets.map(
  (a, i) =>
    `    {${JSON.stringify(a.path)}, ${JSON.stringify(a.type)},\n` +
    `     {kBytes${i}, ${a.bytes.length}},\n` +
    `     {kGzip${i}, ${a.gzip.length}}, ${JSON.stringify(a.etag)}, ${a.immutable}},`,
)
const text = `// Generated from the built web UI by webui/embed.mjs.
#include "webui/assets.hpp"

namespace bourse::webui {
namespace {

${constants.join('\n')}
constexpr Asset kAssets[] = {
${rows.join('\n')}
};

}  // namespace

std::span<const Asset> assets() { return kAssets; }

}  // namespace bourse::webui
`
if (!existsSync(out) || readFileSync(out, 'latin1') !== text) writeFileSync(out, text, 'latin1')
