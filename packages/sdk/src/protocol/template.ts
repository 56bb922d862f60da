/** The types of a template's parameter. A newer server may know more. */
export const paramTypes = ['integer', 'number', 'string', 'boolean', 'choice'] as const
