/**
 * @module `npm run bench -- spans`: building the index and covering an answer, beside naive programs that
 * must find exactly the same (`naive-sort`, `naive-scan`), and beside bounds that no index of words can
 * beat: reading the text into tokens (`tokenise`), reading and weighing the answer's words (`weigh`).
 */
import * as PriorityCover from '../src/attribution/spans/PriorityCover.ts'
import * as Segment from '../src/attribution/spans/Segment.ts'
import * as Surprisal from '../src/attribution/spans/Surprisal.ts'
import * as Tokenizer from '../src/attribution/spans/Tokenizer.ts'
import * as Corpus from './Corpus.ts'
import * as Naive from './Naive.ts'
import * as Report from './Report.ts'

const rounds = 5
const answersPerRound = 60
const tokensPerAnswer = 500
const maxBytes = 30_000_000
/** Beyond this a naive sort does not end in seconds. */
const maxNaiveBytes = 1_500_000
const batchSize = 64
const unit = 'MB of text per CPU-second'

const options = Report.options(
  'spans',
  `--data <file>  .jsonl (each line a document, its strings joined) or text (blank lines part documents);
               without it documentation and type declarations of the installed packages, ≤ ${maxBytes / 1e6} MB
--json         one JSON object as the last line`,
)
const documents = register(Corpus.read(options.data, maxBytes))
const few = upTo(documents, maxNaiveBytes)
Report.note(`${documents.length} documents, ${megabytes(documents).toFixed(2)} MB`)
const builds = measureBuilds()
const queries = measureQueries()
const rows = [...builds, ...queries]
const ratios = {
  'ours/tokenise': ratio('build', 'ours', 'tokenise'),
  'ours/naive-sort': ratio('build', 'ours/small', 'naive-sort'),
  'ours/naive-scan': 1 / ratio('query', 'ours', 'naive-scan'),
  'ours/weigh': 1 / ratio('query', 'ours', 'weigh'),
}
Report.print({ bench: 'spans', rows, ratios }, options)

function measureBuilds(): Report.Row[] {
  const [all, some, bound, naive]: [number[], number[], number[], number[]] = [[], [], [], []]
  for (let round = 0; round < rounds; round++) {
    Report.note(`build, round ${round + 1} of ${rounds}`)
    const whole = Report.cpuMs(() => Segment.build(documents))
    all.push(megabytes(documents) / (whole.ms / 1000))
    const read = Report.cpuMs(() =>
      documents.reduce((sum, { text }) => sum + Tokenizer.count(text), 0),
    )
    bound.push(megabytes(documents) / (read.ms / 1000))
    if (read.result + documents.length !== whole.result.tokens.length)
      Report.stop('the bound read other tokens than the index holds')
    const part = Report.cpuMs(() => Segment.build(few))
    some.push(megabytes(few) / (part.ms / 1000))
    const sorted = Report.cpuMs(() => Naive.sort(part.result.tokens))
    naive.push(megabytes(few) / (sorted.ms / 1000))
    if (!sorted.result.every((row, index) => row === part.result.rows[index]))
      Report.stop('naive sort and index disagree')
  }
  const row = (subject: string, values: number[]): Report.Row => ({
    subject,
    metric: 'build',
    value: Report.median(values),
    unit,
  })
  return [
    { subject: 'ours', metric: 'text', value: megabytes(documents), unit: 'MB' },
    { subject: 'ours/small', metric: 'text', value: megabytes(few), unit: 'MB' },
    row('ours', all),
    row('tokenise', bound),
    row('ours/small', some),
    row('naive-sort', naive),
  ]
}

function measureQueries(): Report.Row[] {
  const segment = Segment.build(documents)
  const parts = [0, 1, 2, 3].map((part) =>
    Segment.build(documents.filter(({ batch }) => batch % 4 === part)),
  )
  const [one, four, bound, naive]: [number[], number[], number[], number[]] = [[], [], [], []]
  const coverage: number[] = []
  for (let round = 0; round < rounds; round++) {
    Report.note(`query, round ${round + 1} of ${rounds}`)
    const answers = Array.from({ length: answersPerRound }, (_, at) =>
      stitch(round * answersPerRound + at),
    )
    const cover = (segments: readonly Segment.Segment[]) =>
      Report.cpuMs(() => answers.map((answer) => PriorityCover.cover(answer, { segments })))
    const [whole, parted] = [cover([segment]), cover(parts)]
    one.push(whole.ms / answers.length)
    four.push(parted.ms / answers.length)
    if (JSON.stringify(whole.result, text) !== JSON.stringify(parted.result, text))
      Report.stop('one segment and four disagree')
    const weighed = Report.cpuMs(() =>
      answers.map((answer) => Surprisal.each(answer, Tokenizer.all(answer)).length),
    )
    bound.push(weighed.ms / answers.length)
    coverage.push(...whole.result.map(({ coveragePpb }) => Number(coveragePpb) / 1e7))
    // Seconds each: two rounds of it say enough.
    if (round > 1) continue
    const scanned = Report.cpuMs(() => Naive.weights(answers[0]!, segment))
    naive.push(scanned.ms)
    const { weights } = whole.result[0]!
    const isEqual = weights.every(
      ({ docSeq, milliBits }) => scanned.result.get(docSeq) === Number(milliBits),
    )
    if (!isEqual || weights.length !== scanned.result.size)
      Report.stop('naive scan and cover disagree')
  }
  const row = (subject: string, values: number[]): Report.Row => ({
    subject,
    metric: 'query',
    value: Report.median(values),
    unit: `CPU-ms per answer of ${tokensPerAnswer} tokens`,
  })
  return [
    row('ours', one),
    row('ours/four-segments', four),
    row('weigh', bound),
    row('naive-scan', naive),
    { subject: 'ours', metric: 'coverage', value: Report.median(coverage), unit: '% of an answer' },
  ]
}

/** An answer: passages of documents with words of nobody's between them. The same for the same seed. */
function stitch(seed: number): string {
  let answer = ''
  for (let step = 1; Tokenizer.count(answer) < tokensPerAnswer; step++) {
    const pick = Math.imul(seed * 1009 + step, 0x9e3779b1) >>> 0
    const { text } = documents[pick % documents.length]!
    const from = (pick >>> 8) % Math.max(1, text.length - 400)
    answer += `${text.slice(from, from + 400)} which, as nobody else has put it, goes on: `
  }
  return answer
}

function register(texts: readonly Corpus.Text[]): Segment.Document[] {
  return texts.map(({ owner, text }, seq) => {
    const batch = Math.floor(seq / batchSize)
    return { seq, batch, committedAtMs: batch, owner, text }
  })
}

/** The first documents of at most so many bytes; of the first of all at least a part. */
function upTo(list: readonly Segment.Document[], maxBytes: number): Segment.Document[] {
  let bytes = 0
  const first = { ...list[0]!, text: list[0]!.text.slice(0, maxBytes / 4) }
  return [first, ...list.slice(1)].filter(({ text }) => {
    bytes += Buffer.byteLength(text)
    return bytes <= maxBytes
  })
}

function megabytes(list: readonly Segment.Document[]): number {
  return list.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0) / 1e6
}

function ratio(metric: string, subject: string, peer: string): number {
  const value = (wanted: string) =>
    rows.find((row) => row.metric === metric && row.subject === wanted)!.value
  return value(subject) / value(peer)
}

function text(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
