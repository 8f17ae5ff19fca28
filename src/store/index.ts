/** @module The store: journals, documents and answers on disk; one writer each, nothing half written. */

export * as Answers from './Answers.ts'
export * as Books from './Books.ts'
export * as SharedBudget from './budget/SharedBudget.ts'
export * as Files from './Files.ts'
export * as Import from './Import.ts'
export * as Journal from './Journal.ts'
