/** `no_op`: the job is final already (cancel), and `job` has its true status. */
export const outcomes = ['accepted', 'no_op'] as const
/** One of `outcomes`. */
export type Outcome = (typeof outcomes)[number]
