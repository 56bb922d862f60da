/**
 * Which secrets the request of an answer's body had. The body is checked where requests are not known, and what is
 * quoted of it must not repeat them.
 */
const secretsOf = new WeakMap<object, readonly string[]>()

export function rememberSecrets(body: object, secrets: readonly string[]): void {
  secretsOf.set(body, secrets)
}

export function secretsBehind(body: unknown): readonly string[] {
  return (typeof body === 'object' && body !== null && secretsOf.get(body)) || []
}
