/** @module Shape of the configuration: one schema for file, environment and flags; what is left out has a default. */
import { z } from 'zod'
import * as Fields from '../market/Fields.schema.ts'
import { rates } from '../market/Quote.schema.ts'

const port = z.number().int().min(0).max(65_535)

/** The configuration. */
export const config = z.strictObject({
  /** Folder of keys, journals, documents and the local chain's state. */
  home: z.string().min(1).default('.requite'),
  /** Policy file of the agent. */
  policy: z.string().min(1).default('policy.yaml'),
  /** File of a policy on trial: what it would have decided is recorded, and has no effect. */
  shadow: z.string().min(1).optional(),
  /** Assets that policies may be in besides the local chain's, for `requite policy check` and the like. */
  assets: z.array(Fields.asset).max(1_000).default([]),
  /** Port of the node's public HTTP face; 0 lets the system choose. */
  port: port.default(4020),
  /** Port of the local chain; 0 lets the system choose. */
  chainPort: port.default(0),
  /** Name of the agent; also its folder below `home/agents`. */
  agent: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'expected lower-case letters, digits and dashes')
    .default('research-desk'),
  /** What the agent is given to spend when it is made, in test dollars. */
  allowance: z
    .string()
    .regex(/^\d{1,12}(\.\d{1,6})? USDC$/, 'expected an amount such as "100 USDC"')
    .default('100 USDC'),
  /** How long a quote may be paid. */
  quoteTtlMs: z.number().int().min(10_000).max(3_600_000).default(30_000),
  /** Prices; amounts in nano-atoms a standard GPU-microsecond, shares in ppb. */
  rates: rates.default({
    executionNanoPerStdUs: '20000000',
    influenceNanoPerStdUs: '60000000',
    premiumPpb: '0',
    qualityPpb: '0',
    feePpb: '50000000',
    gasNano: '200000000000',
  }),
  coveragePromisedPpb: Fields.share.default('0'),
})

/** The configuration, read. */
export type Config = z.infer<typeof config>
