/** @module The buyer's side: purchases that pay once, the buyer who makes them, the agent who asks. */

export * as Agent from './Agent.ts'
export * as AgentCard from './AgentCard.ts'
export * as Buyer from './Buyer.ts'
export * as Diagram from './Diagram.ts'
export * as Directory from './Directory.ts'
export * as Purchase from './Purchase.ts'
export * as Refusal from './Refusal.ts'
export * as Runtime from './Runtime.ts'
