// Why a broker did not start, in words that say what to do.
import { showAddress } from "../../../internal/config/addresses.ts";
import type { Settings } from "../../../internal/config/settings.ts";
import type { StartFault } from "../../../internal/server/broker.ts";
import { CommandFailure, EXIT_CODE } from "../exit-code.ts";

export function startFailure(fault: StartFault, settings: Settings): CommandFailure {
  const directory = settings.get("data.directory");
  const failure = (message: string, hint: string | null = null): CommandFailure =>
    new CommandFailure(EXIT_CODE.failed, message, hint);
  switch (fault.kind) {
    case "listen": {
      const at = showAddress(fault.at);
      if (fault.code === "EADDRINUSE") {
        return failure(
          `port ${fault.at.port} is in use: another program listens on ${at}`,
          `stop it, or choose another address (kafka.listen, grpc.listen, http.listen, link.listen)`,
        );
      }
      return failure(`cannot listen on ${at}: ${fault.code}`);
    }
    case "held":
      return failure(
        `the data directory ${directory} is in use by another broker`,
        "stop that broker, or choose another data.directory",
      );
    case "foreign":
      return failure(
        `the data directory ${directory} belongs to broker ${fault.broker}`,
        "a data directory never changes hands: correct broker.id or data.directory",
      );
    case "identity":
      return failure(
        `the identity of the data directory ${directory} is ${fault.reason}`,
        "restore the directory as a whole, or start the broker on an empty one",
      );
    case "founding-file":
      return failure(`the founding file in ${directory} cannot be read`);
    case "disk":
      return failure(`cannot ${fault.operation} ${fault.path}: ${fault.code}`);
  }
}
