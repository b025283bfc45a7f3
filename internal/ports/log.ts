// Structured logging: events, not sentences. Identity is bound once per object with `child`.

export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  child(bindings: LogFields): Log;
  debug(fields: LogFields, event: string): void;
  info(fields: LogFields, event: string): void;
  warn(fields: LogFields, event: string): void;
  error(fields: LogFields, event: string): void;
}
