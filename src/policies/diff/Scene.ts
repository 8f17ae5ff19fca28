/**
 * @module Scenes: a request, its moment and what was paid before, made of choices that can be changed one by
 * one. What depends on another choice (an approval's ceiling, how old a price is) follows it.
 */
import * as Hash from '../../kernel/Hash.ts'
import type * as History from '../History.ts'
import type * as Meter from '../Meter.ts'
import type { Request } from '../Request.ts'

/** What was paid before, of as many payments as `count`; `atoms` and `deviceMs` of each of them. */
export type Before = {
  readonly count: number
  readonly atoms: bigint
  readonly deviceMs: bigint
  readonly ageMs: number
  readonly isHeld: boolean
  /** Whose subject is another than the request's; nobody's if it says nothing. */
  readonly other?: Meter.Each
}

/** One choice for each part of a scene. */
export type Scene = {
  readonly atMs: number
  readonly agent: string
  readonly asset: string
  readonly atoms: bigint
  readonly payee: string
  readonly host: string | undefined
  readonly model: string | undefined
  readonly adapter: string | undefined
  readonly datanet: string | undefined
  readonly tool: string | undefined
  readonly category: string | undefined
  readonly coveragePpb: bigint | undefined
  readonly royaltySharePpb: bigint | undefined
  readonly rarityPpb: bigint | undefined
  readonly slippagePpb: bigint | undefined
  readonly trustTier: number | undefined
  readonly deviceMs: bigint | undefined
  readonly drawdown: { readonly ppb: bigint; readonly ageMs: number } | undefined
  readonly price: { readonly atoms: bigint; readonly ageMs: number } | undefined
  readonly approvedBy: string | undefined
  readonly before: Before | undefined
}

/** The request of a scene. What is undefined is left out. */
export function request(scene: Scene): Request {
  const { atMs, before: _, approvedBy, drawdown, price, ...stated } = scene
  const { payee, model = '', atoms } = scene
  const seen = <Seen extends { readonly ageMs: number }>({ ageMs, ...what }: Seen) => ({
    ...what,
    asOfMs: atMs - ageMs,
  })
  const whole = {
    id: Hash.text('the request'),
    digest: Hash.text('what it asks'),
    ...stated,
    drawdown: drawdown && seen(drawdown),
    price: price && seen(price),
    approval:
      approvedBy === undefined ? undefined : { by: approvedBy, payee, model, ceilingAtoms: atoms },
  }
  const known = Object.entries(whole).filter(([, value]) => value !== undefined)
  return Object.fromEntries(known) as unknown as Request
}

/** What was paid before it, in the unit of account. */
export function given(scene: Scene, unit: string): readonly History.Past[] {
  const { before } = scene
  if (before === undefined) return []
  const { count, atoms, deviceMs, ageMs, isHeld, other } = before
  const atMs = scene.atMs - ageMs
  const like = request({ ...scene, asset: unit, atoms, deviceMs, approvedBy: undefined })
  const names = other === undefined ? {} : { [other]: elsewhere(like[other]) }
  return Array.from({ length: count }, (_, at) => ({
    request: { ...like, ...names, id: Hash.text(`before ${at}`), digest: Hash.text(`paid ${at}`) },
    atMs,
    ...(isHeld ? {} : { capturedAtoms: atoms }),
  }))
}

/** Another name that can stand in the same place. */
function elsewhere(name: string | undefined): string {
  return name === 'elsewhere' ? 'anywhere' : 'elsewhere'
}
