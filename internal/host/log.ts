// The Log port of the host: JSON lines through pino, and away through a sink that never holds up the broker.
import { pino, stdSerializers, stdTimeFunctions } from "pino";
import type { Logger } from "pino";
import type { Log } from "../ports/log.ts";
import { LogSink, openLogFile } from "./log-sink.ts";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

export interface LogOptions {
  readonly level: LogLevel;
  /** A descriptor or the path of a file; standard output by default. */
  readonly to?: number | string;
}

/** A log that can be flushed before the process ends, and whose level can change. */
export interface HostLog extends Log {
  /** Writes what is buffered. It may overtake a line that is being written at this moment; the time of each tells. */
  flush(): void;
  setLevel(level: LogLevel): void;
}

const STANDARD_OUTPUT = 1;

export function openLog(options: LogOptions): HostLog {
  const { to = STANDARD_OUTPUT } = options;
  const sink = new LogSink(typeof to === "number" ? to : openLogFile(to));
  const logger = pino(
    {
      level: options.level,
      base: null,
      messageKey: "event",
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { fault: faultFields },
    },
    sink,
  );
  return {
    ...logOf(logger),
    flush: () => sink.flush(),
    setLevel: (level) => {
      logger.level = level;
    },
  };
}

function logOf(logger: Logger): Log {
  return {
    child: (bindings) => logOf(logger.child(bindings)),
    debug: (fields, event) => logger.debug(fields, event),
    info: (fields, event) => logger.info(fields, event),
    warn: (fields, event) => logger.warn(fields, event),
    error: (fields, event) => logger.error(fields, event),
  };
}

/** An exception with its stack; a typed fault as it is. */
function faultFields(fault: unknown): unknown {
  return fault instanceof Error ? stdSerializers.err(fault) : fault;
}
