/**
 * @module Hostile parties, one a row: what it does, what comes of it, and the one test where that is seen. A
 * row whose test is gone turns the table's own test red.
 */

/** A row. */
export type Row = {
  readonly who: 'seller' | 'buyer' | 'words'
  readonly does: string
  readonly comes: string
  readonly file: string
  /** Words of the test's title, or of its row. */
  readonly test: string
}

const hired = 'test/liars/sellers.test.ts'
const streamed = 'src/agents/Streaming.test.ts'
const quoted = 'src/agents/Seller.test.ts'
const sold = 'test/sale.test.ts'
const back = 'test/liars/buyers.test.ts'

const seller = (does: string, comes: string, file: string, test = does): Row => ({
  ...{ who: 'seller', does, comes, file, test },
})
const buyer = (does: string, comes: string, file: string, test: string): Row => ({
  ...{ who: 'buyer', does, comes, file, test },
})
const words = (does: string, comes: string, file: string, test: string): Row => ({
  ...{ who: 'words', does, comes, file, test },
})

/** All of them. */
export const rows: readonly Row[] = [
  seller('serves another model than it quoted', 'disputed; the next is hired', hired),
  seller('charges more than work and quote allow', 'disputed; the next is hired', hired),
  seller('asks more in its quote than its rates give', 'never signed; the next is hired', hired),
  seller('sits on a payment until it is too late', 'expires unpaid; the next is hired', hired),
  seller('takes the money and says garbage', 'disputed; the next is hired', hired),
  seller('breaks off in the middle of a stream, and then refuses', 'disputed; next', hired),
  seller('answers something else than its receipt says', 'disputed; the next is hired', hired),
  seller('has its receipt signed by somebody else', 'disputed; the next is hired', hired),
  seller('tells two stories of one place in its chain', 'disputed; the next is hired', hired),
  seller('promises that all is covered by sources, and is not', 'disputed; next', hired),
  seller('equivocates', 'proved from two receipts', hired, 'two receipts of one place are a proof'),
  seller('forks its chain', 'proved', 'test/attacks/forks.test.ts', 'every fork is proved'),
  seller('falls silent in a stream', 'asked again, paid once', hired, 'falls silent in a stream'),
  seller('streams garbage', 'disputed with evidence', streamed, "['garbage'"),
  seller('streams other words', 'disputed with evidence', streamed, "'other words'"),
  seller('streams no receipt', 'disputed with evidence', streamed, "['no receipt'"),
  seller('tells another story the second time', 'disputed', streamed, 'does not begin with what'),
  seller('lets its quote expire', 'never signed', quoted, "['expired'"),
  seller('quotes in another asset', 'never signed', quoted, "['in another asset'"),
  seller('quotes on another card', 'never signed', quoted, "['on another card'"),
  seller('has its quote altered on the way', 'never signed', quoted, 'altered on its way'),
  seller('shows another card', 'never asked for a quote', quoted, 'a card that its hash does not'),
  seller('proves another record', 'disputed', quoted, "'another record'"),
  seller(
    'settles and falls silent',
    'same payment again',
    'src/agents/Resumption.test.ts',
    'falls silent after it settled',
  ),
  seller(
    'of a plain resource gives nothing',
    'disputed',
    'src/agents/Resource.test.ts',
    'paid and nothing given is disputed',
  ),
  buyer('pays for another quote', '402, nothing taken', sold, 'for a quote of somebody else'),
  buyer('pays one quote twice over', 'one is served', sold, 'two payments for one quote'),
  buyer(
    'replays a payment',
    'the same answer, paid once',
    sold,
    'pays again with the same payment',
  ),
  buyer('replays it for something else', '409', sold, 'asks something else under the same payment'),
  buyer('alters the body', '402, nothing taken', sold, 'asks something else than it was quoted'),
  buyer('forges a quote request', '400', sold, "['of somebody else'"),
  buyer('underpays', '402, nothing taken', sold, "['of another amount'"),
  buyer('pays somebody else', '402, nothing taken', sold, "'to another payee'"),
  buyer('signs with no key', '402, nothing taken', sold, "'signed by nobody'"),
  buyer(
    'pays too late',
    '402, nothing taken',
    'test/server.test.ts',
    'pays a quote after its time',
  ),
  buyer('cancels its authorisation', 'unfunded, no answer', back, 'cancels its authorisation'),
  buyer('spends it elsewhere first', 'unfunded, no answer', back, 'spends it elsewhere first'),
  words('an answer asks to spend and to widen', 'is text', back, 'an answer that tells the agent'),
  words('a model obeys', 'the till keeps to the policy', back, 'a model that obeys such words'),
  words(
    'a tool result asks',
    'is text',
    'src/agents/langchain/Paid.test.ts',
    'results that ask to spend',
  ),
  words(
    'a tool that declares nothing spends',
    'finds no way',
    'src/agents/langchain/Paid.test.ts',
    'finds no way to spend',
  ),
  words(
    'a dearer quote than declared',
    'unsigned',
    'src/agents/langchain/Paid.test.ts',
    'a dearer quote than it declared',
  ),
]
