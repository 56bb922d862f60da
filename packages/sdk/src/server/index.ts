export type { Audit, AuditEntry } from './audit'
export { createTrainingHandler, type TrainingHandlerOptions } from './createTrainingHandler'
export type { Authorize, AuthorizeRequest, TrainingAction, TrainingUser } from './permission'
