/**
 * What explains a refusal, in one place that is loaded only when something has to be explained: it is a third of the
 * package's code, and most servers start, list and answer without it.
 */
export { explainErrors, unexplained } from './problems.js'
export { explainIssues } from './standard-problems.js'
