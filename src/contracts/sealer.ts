/**
 * Makes tokens that only this server (or its fleet, with shared keys) can open: cursors, session ids,
 * request state. What was sealed for one purpose never opens for another.
 */
export interface Sealer {
  /** Encrypts and authenticates `data` for `purpose`. The token is URL-safe and visible ASCII. */
  seal(purpose: string, data: string): Promise<string>
  /** The data, or undefined when the token was tampered with, is foreign or belongs to another purpose. */
  open(purpose: string, token: string): Promise<string | undefined>
}
