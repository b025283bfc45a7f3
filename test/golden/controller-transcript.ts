// The command language of the transcripts in test/golden/controller. Each line of a block is one request to the
// controller; below it stand the records that it put into the log and its answer. A word `+` begins the next item.
//
//   limits partitions=1 factor=3 topic=10 cluster=20       settings of the controller
//   found c1                                               proposes a cluster id
//   register 1 dir=a inc=1 rack=r1 host=h1 cluster=c1 port=9092
//   fence 1 inc=1, unfence 1 inc=1, drain 1 inc=1, remove 1
//   create orders id=T1 partitions=3 factor=2 assign=1,2/2,3 set=retention.ms:1000,x:y + other …     (first: validate)
//   delete orders + id=T1
//   partitions orders count=5 assign=1,2/2,3               (first: validate)
//   place orders/0 revision=1 brokers=1,2
//   replace 1 dir=b max=10
//   alter topic=orders set=retention.ms:5 + broker=1 + group=g …     (first: validate)
//   change topic=orders set=a:b delete=c append=l:x subtract=l:y
//   producer-ids 1 inc=1, features flotilla.metadata=0 downgrade=true, entries acl k:v,k2:-, describe
//   gossip group=1 term=7                                  a term was seen
//   hold, commit                                           entries stay uncommitted; commit all
//   depose survivors=1                                     the leader changes, and this broker leads again
//   state                                                  everything there is
import type { Result } from "../../internal/base/result.ts";
import { ClusterState } from "../../internal/cluster/cluster-state.ts";
import type { Asker } from "../../internal/cluster/answered-requests.ts";
import type { SubmittedRequest } from "../../internal/cluster/controller.ts";
import { controllerMachine } from "../../internal/cluster/controller.ts";
import type { ConfigRules } from "../../internal/cluster/controller-context.ts";
import type { ControllerLog } from "../../internal/cluster/controller-desk.ts";
import { LeaderTable } from "../../internal/cluster/leaders.ts";
import { decodeRecords, encodeRecords } from "../../internal/cluster/record-codec.ts";
import type { ControllerRecord } from "../../internal/cluster/records.ts";
import { snapshotRecords } from "../../internal/cluster/snapshot.ts";
import type { GroupId, LogIndex, Term } from "../../internal/model/ids.ts";
import { NO_UNDO } from "../../internal/statelog/machine.ts";
import { StateLog } from "../../internal/statelog/state-log.ts";
import { TOPIC_RULES } from "../property/controller-rules.ts";
import { CommandGroup, StepClock } from "../property/controller-group.ts";
import { idOf, requestOf } from "./controller-words.ts";
import { recordText, valueText } from "./controller-text.ts";

/** Cleanup policies and throttles are lists; `log.level` stands for a broker config that may change. */
const BROKER_RULES: ConfigRules = {
  refusal: (configs) => {
    const bad = [...configs.keys()].find((name) => name !== "log.level");
    return bad === undefined ? null : `unknown broker config ${bad}`;
  },
  listDefault: () => null,
};

/** `log.level` again, also under the name `verbosity`. */
const BROKER_DEFAULT_RULES: ConfigRules = {
  ...BROKER_RULES,
  recordedAs: (name) => (name === "verbosity" ? "log.level" : name),
};

/** A consumer group may have a `session`. */
const GROUP_RULES: ConfigRules = {
  refusal: (configs) => {
    const bad = [...configs.keys()].find((name) => name !== "session");
    return bad === undefined ? null : `unknown group config ${bad}`;
  },
  listDefault: () => null,
};

export class ControllerTranscript {
  readonly #clock = new StepClock();
  readonly #group = new CommandGroup();
  readonly #leaders = new LeaderTable();
  readonly #image = new ClusterState();
  readonly #log: ControllerLog;
  #settings = {
    partitionsDefault: 1,
    factorDefault: 3,
    topicPartitionsMax: 10,
    clusterPartitionsMax: 20,
  };
  #lines: string[] = [];
  #isHeld = false;

  constructor() {
    const machine = controllerMachine({
      settings: () => this.#settings,
      topicConfigs: TOPIC_RULES,
      brokerConfigs: BROKER_RULES,
      brokerDefaultConfigs: BROKER_DEFAULT_RULES,
      groupConfigs: GROUP_RULES,
      highestTerm: (group) => this.#leaders.highestTerm(group),
    });
    // Ties in placement begin at the first broker.
    const entropy = { below: (): number => 0, fill: (): void => undefined };
    const events = {
      committed: (index: LogIndex, records: readonly ControllerRecord[]): void => {
        // As another replica would read them.
        const bytes = encodeRecords(records);
        const decoded = decodeRecords(bytes, 0, bytes.length);
        for (const record of decoded.ok ? decoded.value : []) {
          this.#image.apply(record, NO_UNDO);
          this.#lines.push(`${index} ${recordText(record)}`);
        }
      },
      undecodable: (index: LogIndex, detail: string): void =>
        void this.#lines.push(`undecodable ${index}: ${detail}`),
    };
    this.#log = new StateLog(machine, this.#group.log(0), { clock: this.#clock, entropy }, events);
    this.#group.elect(0, 0);
  }

  /** Runs the commands of one block and returns what happened. */
  run(block: readonly string[]): string[] {
    this.#lines = [];
    for (const line of block) {
      if (block.length > 1) this.#lines.push(`> ${line}`);
      this.#command(line);
    }
    return this.#lines.length > 0 ? this.#lines : ["nothing"];
  }

  #command(line: string): void {
    const [name, ...words] = line.split(" ");
    const named = new Map(words.map((word) => word.split("=") as [string, string]));
    const number = (key: string, fallback: number): number => Number(named.get(key) ?? fallback);
    switch (name) {
      case "limits":
        this.#settings = {
          partitionsDefault: number("partitions", this.#settings.partitionsDefault),
          factorDefault: number("factor", this.#settings.factorDefault),
          topicPartitionsMax: number("topic", this.#settings.topicPartitionsMax),
          clusterPartitionsMax: number("cluster", this.#settings.clusterPartitionsMax),
        };
        return;
      case "gossip":
        return this.#leaders.noteTerm(number("group", 0) as GroupId, number("term", 0) as Term);
      case "hold":
        this.#isHeld = true;
        return;
      case "commit":
        this.#isHeld = false;
        return this.#group.commit(Number.MAX_SAFE_INTEGER);
      case "depose":
        this.#isHeld = false;
        return this.#group.elect(0, number("survivors", 0));
      case "state":
        for (const record of snapshotRecords(this.#image)) this.#lines.push(recordText(record));
        return;
      default:
        return this.#submit(line, submittedOf(line));
    }
  }

  #submit(line: string, request: SubmittedRequest): void {
    const label = this.#isHeld ? `${line}: ` : "";
    this.#log.submit(request, (outcome, at) => {
      for (const text of answerText(outcome, at)) this.#lines.push(`${label}${text}`);
    });
    this.#clock.endTurn();
    if (!this.#isHeld) this.#group.commit(Number.MAX_SAFE_INTEGER);
  }
}

/** `[2 b/1 #4 from 3] …`: the fourth request of broker 2's first start on directory b, which waits for none before #3. */
const ASKED = /^\[(\d+) (\w+)\/(\d+) #(\d+) from (\d+)\] (.*)$/;

function submittedOf(line: string): SubmittedRequest {
  const asked = ASKED.exec(line);
  if (asked === null) return requestOf(line);
  const [broker, incarnation, sequence, floor] = [1, 3, 4, 5].map((at) => Number(asked[at]));
  const asker = { broker, directory: idOf(asked[2]), incarnation, sequence, floor } as Asker;
  return { ...requestOf(asked[6] ?? ""), asker };
}

type Fault = { readonly kind: string; readonly detail?: string };

function faultText({ kind, detail }: Fault): string {
  return detail === undefined ? kind : `${kind}: ${detail}`;
}

function answerText(outcome: Result<object, Fault>, at: LogIndex): string[] {
  if (!outcome.ok) return [faultText(outcome.fault)];
  const reply = outcome.value as Record<string, unknown>;
  const items = (reply["topics"] ?? reply["outcomes"]) as readonly object[] | undefined;
  if (items !== undefined) return items.map((item) => itemText(item as Record<string, unknown>));
  const { kind: _, ...rest } = reply;
  return [`ok at=${at} ${valueText(rest)}`];
}

function itemText(item: Record<string, unknown>): string {
  const outcome = (item["outcome"] ?? item) as Result<unknown, Fault>;
  const name = item["name"] ?? item["topicId"];
  const label = typeof name === "string" ? `${valueText(name)} ` : "";
  return outcome.ok ? `${label}ok ${valueText(outcome.value)}` : `${label}${faultText(outcome.fault)}`;
}
