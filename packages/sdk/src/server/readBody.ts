import { readText } from '../body/readText'
import { Refusal } from './answers'

/** Reads a JSON body of limited size. Null where there is none. Throws a `Refusal`. */
export async function readBody(
  request: Request,
  maxBytes: number,
): Promise<{ text: string; value: Record<string, unknown> } | null> {
  const tooLarge = () =>
    new Refusal('invalid_request', `The body is larger than ${maxBytes} bytes.`, { status: 413 })
  if (Number(request.headers.get('content-length')) > maxBytes) throw tooLarge()
  if (!request.body) return null
  const { text, complete } = await readText(request.body, maxBytes)
  if (!complete) throw tooLarge()
  if (text === '') return null
  const type = request.headers.get('content-type') ?? ''
  // Also keeps out the forms of other sites, which can't send this type without being asked first.
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new Refusal('invalid_request', 'The body must be sent as application/json.', { status: 415 })
  }
  const value = parsed(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Refusal('invalid_request', 'The body is not a JSON object.')
  }
  return { text, value: value as Record<string, unknown> }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
