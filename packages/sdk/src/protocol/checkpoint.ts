/** Why a checkpoint was saved. */
export const checkpointReasons = ['scheduled', 'cancel', 'pause', 'manual'] as const
