import { isSensitiveName } from '../errors/secrets.js'
import { FormFault } from './form.js'

/** Parameters that say who the user is (2025-11-25, client/elicitation, "Safe URL Handling": no personal data). */
const personal =
  /^(?:e-?mail|user-?name|phone|phone-?number|birth-?(?:day|date)|first-?name|last-?name|full-?name)$/i
const emailAddress = /^[^\s@]{1,64}@[^\s@]{1,255}$/
const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i

/**
 * What a page that a user is asked to open must be: served over https, except on this machine, and no login in itself
 * (2025-11-25, client/elicitation, "Safe URL Handling").
 * @throws FormFault, which the log shows and the caller does not see
 */
export function checkUrl(url: string): void {
  if (!URL.canParse(url)) throw new FormFault('A question by URL needs an address in full.')
  const { protocol, hostname, username, password, searchParams, hash } = new URL(url)
  if (protocol !== 'https:' && !(protocol === 'http:' && loopback.test(hostname))) {
    throw new FormFault('A question by URL needs an https address; http is for pages on this machine.')
  }
  if (username !== '' || password !== '') {
    throw new FormFault('The URL of a question holds a login, which its client would see; leave it out.')
  }
  for (const [name, value] of [...searchParams, ...new URLSearchParams(hash.slice(1))]) {
    if (isSensitiveName(name)) {
      throw new FormFault(
        `The URL of a question has the parameter ${JSON.stringify(name)}, which looks like a secret that its client would see; let the page identify the user.`,
      )
    }
    if (personal.test(name.replaceAll('_', '-')) || emailAddress.test(value)) {
      throw new FormFault(
        `The URL of a question has the parameter ${JSON.stringify(name)}, which says who the user is to all that see the URL; let the page identify the user.`,
      )
    }
  }
}
