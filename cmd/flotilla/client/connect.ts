// What the commands that talk to a cluster share: where it is, and what its failures mean for the exit code.
import { HostClock } from "../../../internal/host/clock.ts";
import { HostWire } from "../../../internal/host/wire.ts";
import { KafkaClient } from "../../../pkg/client/kafka/kafka-client.ts";
import { KafkaError } from "../../../pkg/client/kafka/kafka-error.ts";
import type { Invocation, Option } from "../command.ts";
import { CommandFailure, EXIT_CODE } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { addresses, wholeNumber } from "../option-values.ts";
import type { Terminal } from "../terminal.ts";

const BOOTSTRAP = "127.0.0.1:9092";
const TIMEOUT_SECONDS = 30;

export const CLIENT_OPTIONS: Readonly<Record<string, Option>> = {
  bootstrap: {
    type: "string",
    short: "b",
    value: "HOST:PORT,…",
    doc: `Some brokers of the cluster (${BOOTSTRAP}).`,
  },
  timeout: {
    type: "string",
    value: "SECONDS",
    doc: `How long to try (${TIMEOUT_SECONDS}).`,
  },
};

export const JSON_OPTION: Option = { type: "boolean", doc: "Print JSON." };

/** How often somebody is told that a command is still trying. */
const WORD_MS = 10_000;

/**
 * Runs `work` with a client of the cluster that the options name. `isPatient`: without --timeout it tries until it succeeds
 * or is interrupted, and says so.
 */
export async function withClient(
  { options, terminal }: Pick<Invocation, "options" | "terminal">,
  work: (client: KafkaClient) => Promise<ExitCode>,
  isPatient = false,
): Promise<ExitCode> {
  const bootstrap = addresses(options.text("bootstrap") ?? BOOTSTRAP, "bootstrap");
  const fallback = TIMEOUT_SECONDS;
  const timeoutMs = 1_000 * wholeNumber(options, "timeout", { fallback, min: 1, max: 86_400 });
  const world = { wire: new HostWire(), clock: new HostClock() };
  using client = new KafkaClient(world, {
    bootstrap,
    clientId: "flotilla-cli",
    requestMsMax: timeoutMs,
    retryMsMax: isPatient && options.text("timeout") === null ? Infinity : timeoutMs,
    ...(isPatient ? { stillTrying: wordsOf(terminal, world.clock) } : {}),
  });
  try {
    return await work(client);
  } catch (error) {
    if (error instanceof KafkaError) throw commandFailure(error);
    throw error;
  }
}

function wordsOf(terminal: Terminal, clock: HostClock): (error: KafkaError) => void {
  let toldMs = -Infinity;
  return ({ message }) => {
    if (clock.upMs() - toldMs < WORD_MS) return;
    toldMs = clock.upMs();
    terminal.complain(`still trying: ${message}`);
  };
}

function commandFailure({ kind, message }: KafkaError): CommandFailure {
  switch (kind) {
    case "connection-lost":
    case "timed-out":
      return new CommandFailure(
        EXIT_CODE.unreachable,
        message,
        "flotilla status says which brokers answer, and whether they have a controller",
      );
    case "unreachable":
      return new CommandFailure(
        EXIT_CODE.unreachable,
        message,
        "is the cluster running? --bootstrap names its brokers; one that runs and does not serve says why on its HTTP port at /readyz",
      );
    case "protocol":
      return new CommandFailure(
        EXIT_CODE.failed,
        message,
        "does a broker listen there for Kafka clients? --bootstrap takes the addresses of kafka.listen",
      );
    case "refused":
    case "missing":
    case "unsupported":
      return new CommandFailure(EXIT_CODE.failed, message);
  }
}
