import type { StartRequest, Template, TemplateParam } from '../../protocol'
import { Refusal } from './refusal'
import type { RunPlan } from './runPlan'

/** Something that may be started, and how its runs go. */
export interface MockTemplate extends Partial<Omit<Template, 'id'>> {
  id: string
  plan?: Partial<RunPlan>
}

export type ParamValue = NonNullable<StartRequest['params']>[string]

export function wireTemplate({ id, title = id, description = null, params = [] }: MockTemplate): Template {
  return { id, title, description, params }
}

/** Every parameter's value: as given, else its default. Throws a Refusal. */
export function paramsOf(
  template: MockTemplate,
  given: Record<string, ParamValue>,
): Record<string, ParamValue> {
  const params = template.params ?? []
  for (const name of Object.keys(given)) {
    if (params.some((param) => param.name === name)) continue
    const known = params.map((param) => param.name).join(', ') || 'none'
    throw wrong(name, `There is no parameter ${name}; this template has: ${known}.`)
  }
  return Object.fromEntries(
    params.map((param) => {
      const value = given[param.name] ?? param.default
      if (value === null)
        throw wrong(param.name, `The parameter ${param.name} is missing; it has no default.`)
      const what = whatIsWrong(param, value)
      if (what) throw wrong(param.name, `The parameter ${param.name} ${what}.`)
      return [param.name, value]
    }),
  )
}

function whatIsWrong({ type, minimum, maximum, choices }: TemplateParam, value: ParamValue): string | null {
  switch (type) {
    case 'integer':
    case 'number':
      if (typeof value !== 'number') return type === 'integer' ? 'must be a whole number' : 'must be a number'
      if (type === 'integer' && !Number.isInteger(value)) return 'must be a whole number'
      if (minimum !== null && value < minimum) return `must be ${minimum} or more`
      return maximum !== null && value > maximum ? `must be ${maximum} or less` : null
    case 'boolean':
      return typeof value === 'boolean' ? null : 'must be true or false'
    case 'choice':
      return choices?.includes(String(value)) ? null : `must be one of ${choices?.join(', ')}`
    default:
      return typeof value === 'string' ? null : 'must be a text'
  }
}

function wrong(name: string, sentence: string): Refusal {
  return new Refusal('invalid_request', sentence, { field: `params.${name}` })
}
