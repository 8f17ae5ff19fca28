/** @module `requite policy`: what an operator does with a policy: check, try, watch, answer, stop. */
import { defineCommand } from 'citty'
import * as Answers from '../policy/Answers.ts'
import * as Explain from '../policy/Explain.ts'
import * as Exports from '../policy/Exports.ts'
import * as Files from '../policy/Files.ts'
import * as Simulate from '../policy/Simulate.ts'
import * as Status from '../policy/Status.ts'
import * as Switches from '../policy/Switches.ts'

const { check, diff } = Files
const { status, approvals } = Status
const { approve, deny } = Answers
const { freeze, thaw } = Switches
const { explain } = Explain
const { simulate } = Simulate

export default defineCommand({
  meta: {
    name: 'policy',
    description: 'Check, explain, try and change policies; approve, deny, freeze and thaw',
  },
  subCommands: {
    ...{ check, explain, status, approvals, approve, deny, freeze, thaw },
    ...{ diff, simulate, export: Exports.exported, caveats: Exports.caveats },
  },
})
