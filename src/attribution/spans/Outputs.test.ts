import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Outputs from './Outputs.ts'
import * as Tokenizer from './Tokenizer.ts'
import * as Window from './Window.ts'

const salt = `0x${'11'.repeat(32)}` as const
const options = { w: 2, tauMilliBits: 1 }

const answers = fc.array(
  fc.record({
    text: fc.array(fc.constantFrom('ox', 'cat', 'dog', 'hen'), { maxLength: 8 }),
    answeredAtMs: fc.integer({ min: 0, max: 9 }),
    salt: fc.constantFrom(salt, `0x${'22'.repeat(32)}` as const),
  }),
  { maxLength: 20 },
)

test('remembers when each window was first said, whatever was merged', () => {
  fc.assert(
    fc.property(
      answers,
      fc.constantFrom('ox cat dog', 'hen hen', 'dog ox hen ox'),
      (list, answer) => {
        const outputs = Outputs.from(
          list.map(({ text, answeredAtMs, salt }) => ({
            salt,
            answeredAtMs,
            windows: Outputs.windows(text.join(' '), salt, options),
          })),
        )
        const tokens = Tokenizer.all(answer)
        const ends = Window.ends(answer, tokens, options)
        const words = answer.split(' ')
        const expected = words.map((word, at) =>
          Math.min(
            ...list
              .filter(({ text }) =>
                text.some((each, index) => each === word && text[index + 1] === words[at + 1]),
              )
              .map(({ answeredAtMs }) => (at + 1 < words.length ? answeredAtMs : Infinity)),
          ),
        )
        const found = Outputs.firstSaidAtMs(outputs, answer, tokens, ends, options)
        expect(Array.from(found)).toEqual(expected)
      },
    ),
    { numRuns: 300 },
  )
})

test('a thousand answers lie in few blocks', () => {
  let outputs = Outputs.empty
  for (let index = 0; index < 1000; index++)
    outputs = Outputs.remember(outputs, {
      salt,
      windows: Outputs.windows(`a${index} b${index} c${index}`, salt, options),
      answeredAtMs: index,
    })
  const [shelf] = outputs.shelves
  expect(shelf!.blocks.length).toBeLessThan(12)
  expect(shelf!.blocks.reduce((sum, { timesMs }) => sum + timesMs.length, 0)).toBe(2000)
})

test('an answer given twice takes no more room', () => {
  const said = { salt, windows: Outputs.windows('ox cat dog hen', salt, options), answeredAtMs: 5 }
  const twice = Outputs.from([said, { ...said, answeredAtMs: 3 }])
  expect(twice.shelves.map(({ blocks }) => blocks.map(({ timesMs }) => [...timesMs]))).toEqual([
    [[3, 3, 3]],
  ])
})

test('hashes say nothing without the salt, and are the same for the same words', () => {
  const other = `0x${'33'.repeat(32)}` as const
  expect(Outputs.windows('A cat', salt, options)).toBe(Outputs.windows('a\n CAT', salt, options))
  expect(Outputs.windows('a cat', salt, options)).not.toBe(Outputs.windows('a cat', other, options))
  expect(Outputs.windows('a cat', salt, options)).toHaveLength(2 + 16)
  expect(Outputs.windows('cat', salt, options)).toBe('0x')
})

test.each([['0x00'], ['0x0000000000000000ff'], [`0x${'ff'.repeat(8)}${'00'.repeat(8)}`]])(
  'refuses windows that are not ascending hashes: %s',
  (windows) => {
    const said = { salt, windows: windows as `0x${string}`, answeredAtMs: 1 }
    expect(() => Outputs.remember(Outputs.empty, said)).toThrow('ascending')
  },
)
