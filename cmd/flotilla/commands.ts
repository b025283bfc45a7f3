// All commands, in the order of the help.
import type { Command } from "./command.ts";
import { cluster } from "./commands/cluster.ts";
import { completion } from "./commands/completion.ts";
import { consume } from "./commands/consume.ts";
import { dev } from "./commands/dev.ts";
import { GROUP_COMMANDS } from "./commands/group.ts";
import { produce } from "./commands/produce.ts";
import { start } from "./commands/start.ts";
import { status } from "./commands/status.ts";
import { TOPIC_COMMANDS } from "./commands/topic.ts";

export const COMMANDS: readonly Command[] = [
  start,
  dev,
  cluster,
  status,
  ...TOPIC_COMMANDS,
  produce,
  consume,
  ...GROUP_COMMANDS,
  completion(() => COMMANDS),
];
