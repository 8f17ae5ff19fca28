/**
 * @module What the research desk's two sellers hold, what the desk wants to know, and the rule by which it
 * chooses whom to ask: a rule of words and prices, not a model.
 */
import * as Market from './Market.ts'

/** What is asked in a day, if the budget lets it. */
export const questions = [
  'How long does the light of the sun travel to the earth?',
  'Why do the waves of a tsunami rise near the shore?',
  'Why is the sky red at sunset?',
  'How salt is the water of the sea?',
  'What makes the northern light green?',
  'How deep can whales dive for squid in the sea?',
  'What is the zodiacal light in the sky before sunrise?',
  'What moves the currents of the sea?',
] as const

/** Who is sold by whom, in the order of the sellers. */
export const models = ['sky-reader', 'sea-reader'] as const

/** The first seller's documents and offer. */
export const sky = shelf(
  models[0],
  'The sky: sun, light, stars, sunset, planets and weather above',
  [
    [
      'sunlight.md',
      'author:astronomer',
      'The light of the sun travels eight minutes and twenty seconds to the earth.',
    ],
    [
      'sunset.md',
      'author:painter',
      'At sunset the sky is red because the light comes a long way through the air, which scatters the blue of it aside.',
    ],
    [
      'aurora.md',
      'author:astronomer',
      'The northern light is green where oxygen a hundred kilometres up is struck by particles of the solar wind.',
    ],
    [
      'zodiac.md',
      'author:painter',
      'The zodiacal light before sunrise is sunlight on dust between the planets: a pale cone that leans along the sky.',
    ],
  ],
)

/** The second seller's documents and offer. */
export const sea = shelf(
  models[1],
  'The sea: water, waves, salt, tides, currents and whales below',
  [
    [
      'tsunami.md',
      'author:harbour-master',
      'The waves of a tsunami rise near the shore because the shallow water slows their front while their back still comes on.',
    ],
    [
      'salt.md',
      'author:chemist',
      'The water of the sea holds about thirty-five grams of salt in a litre.',
    ],
    [
      'whales.md',
      'author:harbour-master',
      'Sperm whales dive for squid to more than a thousand metres below the sea, for an hour at a time.',
    ],
    [
      'currents.md',
      'author:chemist',
      'Wind moves the currents of the sea near its face; below, it is cold and salt water sinking at the poles.',
    ],
  ],
)

/** The seller whose own description shares most words with a question; of equals the cheaper, then the first. */
export async function choose(
  sellers: readonly { readonly baseUrl: string }[],
  question: string,
): Promise<number> {
  const asked = new Set(words(question))
  const found = await Promise.all(
    sellers.map(async ({ baseUrl }, at) => {
      const response = await fetch(`${baseUrl}/models`)
      const { data } = (await response.json()) as { data: readonly Listed[] }
      const [{ description, requite }] = data as readonly [Listed]
      const shared = words(description).filter((word) => asked.has(word)).length
      return { at, shared, rate: BigInt(requite.rates.executionNanoPerStdUs) }
    }),
  )
  found.sort((a, b) => b.shared - a.shared || (a.rate < b.rate ? -1 : Number(a.rate > b.rate)))
  return found[0]!.at
}

type Listed = {
  readonly description: string
  readonly requite: { readonly rates: { readonly executionNanoPerStdUs: string } }
}

function words(text: string): string[] {
  return text.toLowerCase().match(/\p{L}+/gu) ?? []
}

function shelf(model: string, description: string, texts: readonly (readonly string[])[]) {
  const { terms } = Market
  return {
    name: model,
    documents: texts.map(([path, owner, text]) => ({
      path: path!,
      owner: owner!,
      text: `# ${path!.slice(0, -3)}\n\n${text}`,
    })),
    offers: [{ ...terms, description, card: { ...terms.card, model, datanet: model } }],
  }
}
