export type { AuditEntry } from './audit'
export { createTrainingHandler, type TrainingHandlerOptions } from './createTrainingHandler'
export type { AuthorizeRequest, TrainingAction, TrainingUser } from './permission'
