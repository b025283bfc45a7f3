// Bugs planted in what bounds, shares out and waits.
import type { SourceBug } from "./source-bug.ts";

export const LIMIT_BUGS: Readonly<Record<string, SourceBug>> = {
  "leaders take what a member can never store": {
    breaks: "J12",
    file: "internal/replica/link-traffic.ts",
    find: "if (bytes <= this.#payloadBytesMin) return true;",
    replace: "return true;",
    seenBy: ["test/sim/no-room.test.ts"],
  },
  "what is said once may be lost": {
    breaks: "F6",
    file: "internal/transport/session.ts",
    find: "this.#mustQueue(type, body);",
    replace: 'this.send("control", type, [body]);',
    seenBy: ["test/sim/full-control-lane.test.ts"],
  },
  "clients do not take turns": {
    breaks: "L9",
    file: "internal/kafka/handlers/00-produce.ts",
    find: "client: this.#call.owner,",
    replace: "",
    seenBy: ["test/sim/fair-clients.test.ts"],
  },
  "searches take all the time of a turn": {
    breaks: "L7",
    file: "internal/service/turn-share.ts",
    find: "this.#left -= piece.steps;",
    replace: "",
    seenBy: ["internal/service/turn-share.test.ts", "test/sim/long-logs.test.ts"],
  },
  "searches go on when their client is gone": {
    breaks: "L9",
    file: "internal/service/search-lane.ts",
    find: 'if (asker.isOver) resolve("late");',
    replace: 'if (false) resolve("late");',
    seenBy: ["internal/service/search-lane.test.ts", "test/sim/time-search.test.ts"],
  },
  "whoever looks in memory waits for the disk": {
    breaks: "L9",
    file: "internal/service/time-search.ts",
    find: "await this.#warm.run(asker, () => this.#lookInto(look, false));",
    replace: "await this.#warm.run(asker, () => this.#lookInto(look, true));",
    seenBy: ["test/sim/time-search.test.ts"],
  },
  "all groups campaign beside the controller's": {
    breaks: "L8",
    file: "internal/replica/elections.ts",
    find: "const goesFirst = this.#controllerGoesFirst(nowMs);",
    replace: "const goesFirst = false;",
    seenBy: ["test/sim/controller-first.test.ts"],
  },
  "groups without a leader are not told of": {
    breaks: "L10",
    file: "internal/server/waits.ts",
    find: "if (machine.leader === null) {",
    replace: "if (machine.leader === null && machine.term === 0) {",
    seenBy: ["test/sim/waits.test.ts"],
  },
};
