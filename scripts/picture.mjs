/**
 * @module The picture in README: what `npm start` prints, as an SVG, from a real run. One answer is shown
 * whole but for the middle of its text, the other questions are left out, and so it says where.
 * `node scripts/picture.mjs [port]` writes docs/start.svg.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { ensureBuilt, ensureInstalled, root } from './setup.mjs'

const columns = 108
const [lineHeight, fontSize, padding, bar] = [19, 13, 20, 34]
const columnWidth = 7.83
const answerLines = 13
const question = '? How do I validate user input against a schema with zod?'
const lastLine = 'ask again.'

/** The excerpt that is shown, ANSI styles included. */
export function excerpt(text) {
  const lines = text.trimEnd().split('\n')
  const plain = lines.map((line) => strip(line))
  const from = plain.indexOf(question)
  const charged = plain.findIndex((line, at) => at > from && line.startsWith('  charged '))
  const receipt = plain.findIndex((line, at) => at > from && line.startsWith('  receipt '))
  const ending = plain.findIndex((line) => line.startsWith('Local chain:'))
  if (from < 0 || charged < 0 || receipt < 0 || ending < 0)
    throw new Error('expected an answer with price and receipt, and an ending')
  const answer = lines.slice(from, charged)
  const cut = answer.length > answerLines + 3
  return [
    '$ npm start',
    '…',
    ...(cut ? [...answer.slice(0, answerLines), '  …', ...answer.slice(-4)] : answer),
    ...lines.slice(charged, receipt + 1),
    '',
    '…',
    ...lines.slice(ending),
  ]
}

/** An SVG of lines of a terminal, light or dark as its reader prefers. */
export function svg(lines) {
  const rows = lines.flatMap((line) => wrap(spans(line)))
  const width = Math.round(columns * columnWidth + 2 * padding)
  const height = bar + rows.length * lineHeight + padding + 6
  const text = rows.map((row, index) => {
    const y = bar + padding + index * lineHeight
    const parts = row.map(({ classes, text }) =>
      classes === '' ? xml(text) : `<tspan class="${classes}">${xml(text)}</tspan>`,
    )
    return parts.length === 0 ? '' : `<text x="${padding}" y="${y}">${parts.join('')}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="What npm start prints">
<style>
svg { --back: #ffffff; --edge: #d0d7de; --text: #1f2328; --dim: #656d76; --green: #1a7f37; --red: #cf222e; --yellow: #7d4e00; --cyan: #0969da }
@media (prefers-color-scheme: dark) { svg { --back: #0d1117; --edge: #30363d; --text: #e6edf3; --dim: #8b949e; --green: #3fb950; --red: #ff7b72; --yellow: #d29922; --cyan: #58a6ff } }
rect { fill: var(--back); stroke: var(--edge) }
circle { fill: var(--edge) }
text { fill: var(--text); font: ${fontSize}px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; white-space: pre }
.bold { font-weight: 700 } .dim { fill: var(--dim) } .underline { fill: var(--cyan); text-decoration: underline }
.green { fill: var(--green) } .red { fill: var(--red) } .yellow { fill: var(--yellow) } .cyan { fill: var(--cyan) }
</style>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
<circle cx="20" cy="18" r="5"/><circle cx="38" cy="18" r="5"/><circle cx="56" cy="18" r="5"/>
${text.filter((line) => line !== '').join('\n')}
</svg>
`
}

const on = { 1: 'bold', 2: 'dim', 4: 'underline' }
const colours = { 31: 'red', 32: 'green', 33: 'yellow', 36: 'cyan' }
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is how terminals are told about styles.
const style = /\u001b\[(\d+)m/

function strip(line) {
  return line.replaceAll(new RegExp(style, 'g'), '')
}

/** A line as stretches of one style each. */
function spans(line) {
  const active = new Set()
  let colour
  const found = []
  for (const [index, piece] of line.split(style).entries()) {
    if (index % 2 === 0) {
      const classes = [...active, ...(colour === undefined ? [] : [colour])].join(' ')
      if (piece !== '') found.push({ classes, text: piece })
    } else if (piece === '22') for (const name of ['bold', 'dim']) active.delete(name)
    else if (piece === '24') active.delete('underline')
    else if (piece === '39') colour = undefined
    else if (on[piece] !== undefined) active.add(on[piece])
    else if (colours[piece] !== undefined) colour = colours[piece]
  }
  return found
}

/** A line in rows that fit, broken at blanks; later rows stand under the first one's text. */
function wrap(line) {
  const whole = line.map(({ text }) => text).join('')
  const indent = /^ {2}\w+ {2,}/.exec(whole)?.[0].length ?? 2
  const rows = [[]]
  let used = 0
  for (const { classes, text } of line)
    for (const word of text.split(/(?<= )(?=[^ ])/)) {
      if (used + word.trimEnd().length > columns && used > indent) {
        rows.push([{ classes: '', text: ' '.repeat(indent) }])
        used = indent
      }
      rows.at(-1).push({ classes, text: word })
      used += word.length
    }
  return rows
}

function xml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** What a real run prints, until it stays up. */
async function run(port) {
  const home = mkdtempSync(join(tmpdir(), 'requite-picture-'))
  const { NO_COLOR: _, ...environment } = process.env
  const child = spawn(
    process.execPath,
    [join(root, 'dist/cli/main.js'), 'start', '--home', home, '--port', port],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: { ...environment, FORCE_COLOR: '1' } },
  )
  let printed = ''
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (text) => {
    printed += text
    if (strip(printed).trimEnd().endsWith(lastLine)) child.kill('SIGTERM')
  })
  await new Promise((resolve) => child.once('close', resolve))
  rmSync(home, { recursive: true, force: true })
  return printed
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  ensureInstalled()
  ensureBuilt()
  writeFileSync(join(root, 'docs/start.svg'), svg(excerpt(await run(process.argv[2] ?? '4020'))))
}
