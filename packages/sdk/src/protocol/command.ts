/** What can be asked of a job. */
export const commandActions = ['cancel', 'pause', 'resume'] as const
/** One of `commandActions`. */
export type CommandAction = (typeof commandActions)[number]

/** Every status of a command; all but `active` are final. */
export const commandStatuses = ['active', 'succeeded', 'failed', 'superseded', 'expired'] as const
/** One of `commandStatuses`. */
export type CommandStatus = (typeof commandStatuses)[number]

/** Why a person stops or pauses a run, for the stop history. */
export const stopReasons = [
  'overfitting',
  'wrong_config',
  'free_resources',
  'cost',
  'good_enough',
  'other',
] as const
/** One of `stopReasons`. */
export type StopReason = (typeof stopReasons)[number]

/** Who can ask. */
export const actorTypes = ['user', 'service', 'rule', 'system'] as const
