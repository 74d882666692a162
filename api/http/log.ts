/** What the API needs of a log; pino's fits. */
export interface Log {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}
