import fc from 'fast-check'

/** What nobody expects where a value should be. */
const hostile: fc.Arbitrary<unknown> = fc.oneof(
  fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSparseArray: true,
  }),
  fc.constantFrom<unknown>(
    ...[null, undefined, Number.NaN, Infinity, -Infinity, -0, -1, 0.5, 2 ** 53, 1e308, '', '0', 'null'],
    ...[
      true,
      [],
      {},
      10n,
      () => 1,
      new Date(0),
      new Map(),
      new (class Job {})(),
      new String('a'),
      new Number(1),
    ],
    ...['x'.repeat(100_000), '2026-11-23T18:09:00Z\n', '../etc', 'a'.repeat(65), '𝄞'.repeat(65), '\ud800'],
  ),
  fc.constant(new Array(3)),
  fc.constant(JSON.parse('{"__proto__": {"seq": 1}, "constructor": {"prototype": null}}')),
  fc.constant(JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`)),
  fc.constant(JSON.parse(`${'{"job":'.repeat(500)}1${'}'.repeat(500)}`)),
)

const hows = ['replace', 'spoil', 'remove', 'add', 'getter', 'inherit', 'hide', 'null prototype'] as const

const mutation = fc.record({
  place: fc.nat(),
  field: fc.nat(),
  how: fc.constantFrom(...hows),
  key: fc.constantFrom('__proto__', 'constructor', 'hasOwnProperty', 'length', 'seq', 'type', 'a b', '1', ''),
  value: hostile,
})
type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never

/** These values, each changed in a place or a few as no honest server would. */
export function mutated(values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(values, fc.array(mutation, { minLength: 1, maxLength: 3 }))
    .map(
      ([value, mutations]) =>
        mutations.reduce((root, next) => change(copy(root), next), { value } as { value?: unknown }).value,
    )
}

function change(root: { value?: unknown }, { place, field, how, key, value }: Mutation): { value?: unknown } {
  const places = containers(root)
  const container = places[place % places.length] as Record<string, unknown>
  const keys = Object.keys(container)
  const chosen = keys[field % keys.length] ?? key
  // Its own: `__proto__` of an object that has none would be the prototype of all, and be changed next.
  const held = Object.hasOwn(container, chosen) ? container[chosen] : undefined
  const define = (name: string, descriptor: PropertyDescriptor) =>
    // An array's length is no property like others.
    !(Array.isArray(container) && name === 'length') &&
    Reflect.defineProperty(container, name, { enumerable: true, configurable: true, ...descriptor })
  if (how === 'replace') define(chosen, { value, writable: true })
  else if (how === 'spoil') define(chosen, { value: spoilt(held, key), writable: true })
  else if (how === 'remove') Reflect.deleteProperty(container, chosen)
  else if (how === 'add') define(key, { value, writable: true })
  else if (how === 'hide') define(chosen, { value: held, writable: true, enumerable: false })
  else if (how === 'getter') {
    define(chosen, { get: () => held })
  } else if (container !== root && !Array.isArray(container))
    Object.setPrototypeOf(container, how === 'inherit' ? { ...container } : null)
  if (how === 'inherit' && container !== root && !Array.isArray(container))
    Reflect.deleteProperty(container, chosen)
  return root
}

/** Nearly right: with something before or after it, or just out of bounds. */
function spoilt(value: unknown, key: string): unknown {
  if (typeof value === 'string') return key.length % 2 ? `${value}\n` : ` ${value}`
  return typeof value === 'number' ? value - 0.5 : [value]
}

const maxDepth = 8

/** With containers of its own, as deep as they are changed: fast-check gives the same value again. */
function copy<Value>(value: Value, depth = 0): Value {
  if (!isContainer(value) || depth > maxDepth) return value
  const properties = Object.getOwnPropertyDescriptors(value)
  for (const descriptor of Object.values(properties))
    if ('value' in descriptor) descriptor.value = copy(descriptor.value, depth + 1)
  const made = Array.isArray(value) ? [] : Object.create(Object.getPrototypeOf(value))
  return Object.defineProperties(made, properties)
}

function isContainer(value: unknown): value is object {
  return Array.isArray(value) || Object.prototype.toString.call(value) === '[object Object]'
}

/** The root and all objects and lists in it that can be changed, not too deep. */
function containers(root: object, depth = 0): object[] {
  const inner = Object.values(root).filter(isContainer)
  return [root, ...(depth < maxDepth ? inner.flatMap((value) => containers(value, depth + 1)) : [])]
}
