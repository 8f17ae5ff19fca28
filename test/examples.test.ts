/** Every numbered example, run as its reader would: it ends well, and what it says adds up. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { root } from './tidy/Source.ts'

const folder = join(root, 'examples')
const scratch = mkdtempSync(join(tmpdir(), 'requite-examples-'))
const examples = readdirSync(folder).filter((name) => name.endsWith('.ts'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

test('examples are numbered from 01, and none is longer than 80 lines', () => {
  expect(examples.length).toBeGreaterThan(6)
  for (const [index, name] of examples.sort().entries()) {
    expect(name).toMatch(new RegExp(`^${String(index + 1).padStart(2, '0')}-[a-z-]+\\.ts$`))
    const text = readFileSync(join(folder, name), 'utf8')
    expect(text.trimEnd().split('\n').length, name).toBeLessThanOrEqual(80)
    expect(text).not.toMatch(/from '\.\.\/(src|test)/)
  }
})

test.each(examples)(
  '%s',
  async (name) => {
    const args = ['--conditions=source', '--import', 'tsx', join(folder, name), '--json']
    const own = mkdtempSync(join(scratch, 'run-'))
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      cwd: root,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: own, NO_COLOR: '1' },
      timeout: 60_000,
    })
    const lines = stdout.trimEnd().split('\n')
    const report = JSON.parse(lines.at(-1)!)
    expect(report).toEqual({
      v: 1,
      example: name.slice(0, 2),
      conserved: true,
      paidAtoms: expect.stringMatching(/^[1-9]\d*$/),
      verify: { records: expect.any(Number), failures: 0, erased: 0 },
    })
    expect(report.verify.records).toBeGreaterThan(5)
    expect(lines.some((line) => line.startsWith('paid '))).toBe(true)
    // Nothing stays behind, but what the loader keeps for itself.
    expect(readdirSync(own).filter((left) => !left.startsWith('tsx-'))).toEqual([])
  },
  60_000,
)
