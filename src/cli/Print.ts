/**
 * @module What people read: data goes to stdout, words about the work to stderr. Colours only on a
 * terminal, never with NO_COLOR.
 */
import { stripVTControlCharacters } from 'node:util'
import Table from 'cli-table3'
import type * as Buyer from '../agents/Buyer.ts'
import type * as Asset from '../kernel/Asset.ts'
import { problem } from '../kernel/Errors.ts'
import * as Money from '../kernel/Money.ts'
import * as Share from '../kernel/Share.ts'
import type * as Decision from '../policies/Decision.ts'
import { colors } from './Colors.ts'

/** One line on stderr: what is being done. */
export function note(text: string): void {
  process.stderr.write(`${colors.dim(text)}\n`)
}

/** One line of data on stdout. */
export function line(text = ''): void {
  process.stdout.write(`${text}\n`)
}

/** An error with its hint, on stderr. */
export function failure(error: unknown): void {
  const { title, hint, code } = problem(error)
  process.stderr.write(`${colors.red('error')} ${title} ${colors.dim(`(${code})`)}\n`)
  if (hint !== undefined) process.stderr.write(`      ${hint}\n`)
  if (code === 'internal' && error instanceof Error) process.stderr.write(`${error.stack}\n`)
}

/** Text of strangers as a terminal may show it: control characters as their pictures, which do nothing. */
export function plain(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(controls, (found) => {
    const code = found.charCodeAt(0)
    if (code === 0x7f) return '\u2421'
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\ufffd'
  })
}

/** All but tab and line feed; C1 too, which some terminals read as escapes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

const most = 5

/** A table without frills; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: head.map((text) => colors.dim(text)),
    style: { head: [], border: [], compact: true, 'padding-left': 0 },
    chars: plainBorders,
    colAligns: head.map((_, index) => (index === 0 ? 'left' : 'right')),
  })
  for (const row of rows) table.push([...row])
  return table.toString()
}

const plainBorders = Object.fromEntries(
  [
    'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right',
    'left left-mid mid mid-mid right right-mid middle',
  ].flatMap((names) => names.split(' ').map((name) => [name, name === 'middle' ? '  ' : ''])),
)

/** Everything about one question: answer, price by parts, who earned, verdict and link. */
export function outcome(
  question: string,
  given: Buyer.Outcome,
  context: { asset: Asset.Asset; baseUrl: string },
): string {
  const { asset, baseUrl } = context
  const lines = [colors.bold(`? ${plain(question)}`), '']
  const { delivered } = given
  if (delivered === undefined) {
    lines.push(refusal(given))
    for (const { rule, outcome, because } of given.reasons)
      lines.push(`  ${mark(outcome)} ${because === rule ? rule : because}`)
    return lines.join('\n')
  }
  const { receipt, answered, receiptHash, evidence } = delivered
  const { money } = receipt
  const nano = (text: string) => Money.decimal(BigInt(text), asset.decimals + 9)
  const atoms = (text: string) => Money.format(Money.of(asset, BigInt(text)))
  lines.push(indent(plain(answered.output)), '')
  const premium = money.premiumNano === '0' ? '' : ` + premium ${nano(money.premiumNano)}`
  lines.push(
    `  charged  ${colors.bold(atoms(money.chargedAtoms))} = execution ${nano(money.executionNano)} + influence ${nano(money.influenceNano)}${premium} + fee ${nano(money.feeNano)} + gas ${nano(money.gasNano)} + rounding ${nano(money.roundingNano)}`,
    `  work     ${receipt.stdUs} stdUs (${receipt.tokens.in} tokens in, ${receipt.tokens.out} out); measured ${receipt.computeMs.toFixed(1)} computeMs`,
    `  paid     ${atoms(money.paidAtoms)}, change ${atoms(money.changeAtoms)}  ${colors.dim(`tx ${evidence.tx}`)}`,
    `  covered  ${Share.round(BigInt(receipt.influence.coveragePpb))} of the answer is somebody's words`,
  )
  lines.push(...earned(answered.earnings, asset).map((text) => `  ${text}`))
  lines.push(`  verdict  ${colors.green(given.verdict ?? 'none')}`)
  for (const { rule, outcome } of given.reasons) lines.push(`           ${mark(outcome)} ${rule}`)
  lines.push(`  receipt  ${colors.underline(`${baseUrl}/r/${receiptHash}`)}`)
  return lines.join('\n')
}

/** Who earned: the first few and the totals, not a thousand. */
export function earned(
  earnings: readonly { account: string; nano: string; reason: string }[],
  asset: Asset.Asset,
): string[] {
  const authors = sums(
    earnings.filter(({ reason }) => reason === 'influence' || reason === 'premium'),
  )
  const lines = authors.slice(0, most).map(([account, nano], index) => {
    return `${index === 0 ? 'earned ' : '       '}  ${Money.formatNano(nano, asset)}  ${account}`
  })
  if (authors.length > most) {
    const rest = authors.slice(most).reduce((total, [, nano]) => total + nano, 0n)
    lines.push(`         ${Money.formatNano(rest, asset)}  ${authors.length - most} more`)
  }
  const node = sums(earnings.filter(({ reason }) => ['execution', 'fee', 'gas'].includes(reason)))
  for (const [account, nano] of node)
    lines.push(
      `${lines.length === 0 ? 'earned ' : '       '}  ${Money.formatNano(nano, asset)}  ${account} (the node)`,
    )
  return lines
}

function sums(earnings: readonly { account: string; nano: string }[]): [string, bigint][] {
  const totals = new Map<string, bigint>()
  for (const { account, nano } of earnings)
    totals.set(account, (totals.get(account) ?? 0n) + BigInt(nano))
  return [...totals].sort(([, left], [, right]) => (left > right ? -1 : left < right ? 1 : 0))
}

/** A verdict, what decided it, and what every rule said. */
export function decision({ verdict, decidedBy, reasons }: Decision.Decision): string {
  const paint = { allow: colors.green, deny: colors.red, review: colors.yellow }[verdict]
  const by = decidedBy === undefined ? '' : `: ${decidedBy.rule}`
  const lines = reasons.map(({ outcome, because }) => `  ${mark(outcome)} ${plain(because)}`)
  return [`${paint(verdict)}${by}`, ...lines].join('\n')
}

/** Why there is no answer, in a line without colours. */
export function plainRefusal(given: Buyer.Outcome): string {
  return stripVTControlCharacters(refusal(given))
}

/** Why there is no answer, in a line. */
export function refusal(given: Buyer.Outcome): string {
  const decided = given.reasons.find(({ outcome }) => outcome === given.verdict)
  const because = plain(given.because ?? '')
  if (given.verdict === 'deny') return `${colors.red('denied')}: ${decided?.rule ?? because}`
  if (given.verdict === 'review')
    return `${colors.yellow('needs approval')}: ${decided?.rule ?? because}`
  return `${colors.red(given.state)}: ${because}`
}

function mark(outcome: string): string {
  if (outcome === 'allow') return colors.green('✓')
  return outcome === 'deny' ? colors.red('✗') : colors.yellow('?')
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((row) => `  ${row}`)
    .join('\n')
}
