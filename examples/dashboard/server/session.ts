import { randomBytes } from 'node:crypto'

/** Someone who uses the dashboard. A real host has its own; this one has two, so that one can see who owns what. */
export interface User {
  id: string
  name: string
}

export const users: User[] = [
  { id: 'ada', name: 'Ada' },
  { id: 'grace', name: 'Grace' },
]

const cookieName = 'session'
const sessions = new Map<string, User>()

export function userOf(request: Request): User | null {
  const cookies = request.headers.get('cookie') ?? ''
  const id = new RegExp(`(?:^|;\\s*)${cookieName}=([A-Za-z0-9_-]+)`).exec(cookies)?.[1]
  return (id && sessions.get(id)) || null
}

/** Signs a user in; the answer's `Set-Cookie`. Scripts can't read the cookie and other sites can't send it. */
export function signIn(user: User): string {
  const id = randomBytes(24).toString('base64url')
  sessions.set(id, user)
  return `${cookieName}=${id}; Path=/; HttpOnly; SameSite=Strict`
}
