import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Markdown from './Markdown.ts'

function kinds(text: string): string[] {
  return Markdown.blocks(text).map(
    ({ kind, start, end }) => `${kind}: ${text.slice(start, end).replaceAll('\n', '⏎')}`,
  )
}

describe('blocks', () => {
  test('headings, paragraphs, code, lists', () => {
    const text = [
      '# Title',
      'A paragraph',
      'of two lines.',
      '```js',
      'code()',
      '',
      '# not a heading',
      '```',
      '- one',
      '  - inner',
      '',
      '  ```sh',
      '- still code',
      '  ```',
      '- two',
      '',
      'Underlined',
      '===',
      '',
      '    indented code',
      '',
      '    and more',
      'after',
    ].join('\n')
    expect(kinds(text)).toEqual([
      'heading: # Title',
      'paragraph: A paragraph⏎of two lines.',
      'code: ```js⏎code()⏎⏎# not a heading⏎```',
      'list: - one⏎  - inner⏎⏎  ```sh⏎- still code⏎  ```⏎- two',
      'heading: Underlined⏎===',
      'code:     indented code⏎⏎    and more',
      'paragraph: after',
    ])
  })

  test('badges, HTML, link lists, references and front matter are noise; links in sentences are not', () => {
    const text = [
      '---',
      'title: x',
      '---',
      '<p align="center"><img src="a.png"></p>',
      '',
      '[![CI](https://x/y.svg)](https://x) [![npm](https://x/z.svg)](https://z)',
      '',
      '- [Install](#install)',
      '- [Usage](#usage)',
      '',
      'Read the [manual](https://m) before you start.',
      '',
      '- [manual](https://m) says how to begin',
      '',
      '[m]: https://m',
      '<!-- a comment',
      '',
      'in two parts -->',
      '***',
    ].join('\r\n')
    expect(Markdown.blocks(text).map(({ kind }) => kind)).toEqual([
      'noise',
      'noise',
      'noise',
      'noise',
      'paragraph',
      'list',
      'noise',
      'noise',
      'noise',
    ])
  })
})

describe('passages', () => {
  test('a section is a passage under its headings; code stays with the sentence before it', () => {
    const text = '# A\n\nIntro.\n\n## B\n\nDo this:\n\n```\nx\n```\n\n### C\n\nMore.\n'
    const found = Markdown.passages(text)
    expect(found.map(({ start, end }) => text.slice(start, end))).toEqual([
      '# A\n\nIntro.',
      '## B\n\nDo this:\n\n```\nx\n```',
      '### C\n\nMore.',
    ])
    expect(found.map(({ headings }) => headings)).toEqual([['A'], ['A', 'B'], ['A', 'B', 'C']])
    expect(found.map(({ hasCode }) => hasCode)).toEqual([false, true, false])
  })

  test('noise parts passages and is in none', () => {
    const text = 'One.\n\n<hr>\n\nTwo.\n\n## Links\n\n- [a](#a)\n- [b](#b)\n'
    const bodies = Markdown.passages(text).filter(({ hasBody }) => hasBody)
    expect(bodies.map(({ start, end }) => text.slice(start, end))).toEqual(['One.', 'Two.'])
  })

  test('long sections are parted between blocks, never inside one', () => {
    const code = `\`\`\`\n${'word '.repeat(400)}\n\`\`\``
    const text = ['# T', ...Array.from({ length: 8 }, () => 'word '.repeat(60).trim()), code].join(
      '\n\n',
    )
    const found = Markdown.passages(text)
    expect(found.length).toBeGreaterThan(3)
    expect(text.slice(found.at(-1)!.start, found.at(-1)!.end)).toContain(code)
  })

  const piece = fc.constantFrom(
    '# head',
    '## sub',
    'Some words here.',
    '```',
    '~~~~',
    '- item',
    '  more',
    '',
    '',
    '| a | b |',
    '<div>',
    '<!--',
    '-->',
    '[x]: http://y',
    '[![b](u)](v)',
    '    code',
    '===',
    '---',
    '1. one',
  )
  test('of any text: in order, apart, at line starts, and no fence is cut', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (lines) => {
        const text = lines.join('\n')
        const all = Markdown.blocks(text)
        let end = 0
        for (const block of all) {
          expect(block.start).toBeGreaterThanOrEqual(end)
          expect(block.end).toBeGreaterThanOrEqual(block.start)
          expect(text.slice(end, block.start).trim()).toBe('')
          end = block.end
        }
        expect(text.slice(end).trim()).toBe('')
        let last = 0
        for (const passage of Markdown.passages(text)) {
          expect(passage.start).toBeGreaterThanOrEqual(last)
          last = passage.end
          for (const block of all)
            expect(
              block.end <= passage.start ||
                block.start >= passage.end ||
                (block.start >= passage.start && block.end <= passage.end),
            ).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('hostile markdown takes time in proportion to its size', () => {
    const hostile = ['<!--\n', '```\n', '[', '![', '- \n', '<a', '# ', '*** ', '[a](', '> ', '\t\n']
    const elapsedMs = (text: string) => {
      const startedMs = performance.now()
      Markdown.passages(text)
      Markdown.prose(text.slice(0, 20_000))
      return performance.now() - startedMs
    }
    for (const one of hostile) expect(elapsedMs(one.repeat(200_000))).toBeLessThan(5_000)
  })

  test('a real README: every code block is whole in the one passage it stands in', () => {
    const text = readFileSync('node_modules/ws/README.md', 'utf8')
    const all = Markdown.blocks(text).filter(({ kind }) => kind === 'code')
    const found = Markdown.passages(text)
    expect(all.length).toBeGreaterThan(10)
    for (const { start, end } of all)
      expect(found.filter((one) => one.start <= start && end <= one.end)).toHaveLength(1)
  })
})
