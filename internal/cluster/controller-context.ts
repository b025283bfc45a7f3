// What the controller's handlers may use besides state and request, and the small things they share.
import type { Failed, Result } from "../base/result.ts";
import { failed } from "../base/result.ts";
import type { BrokerId, GroupId, Term } from "../model/ids.ts";
import type { Decision, HandlerContext } from "../statelog/machine.ts";
import type { ClusterState } from "./cluster-state.ts";
import type {
  ControllerFault,
  ControllerFaultKind,
  ControllerKind,
  ControllerReply,
  ControllerRequest,
} from "./controller-requests.ts";
import type { ControllerRecord } from "./records.ts";

export interface ControllerSettings {
  /** Of a topic that does not say. */
  readonly partitionsDefault: number;
  /** Of a topic that does not say (P3). */
  readonly factorDefault: number;
  readonly topicPartitionsMax: number;
  readonly clusterPartitionsMax: number;
}

/** Which config names and values are legal, for topics or for brokers (P9). */
export interface ConfigRules {
  /** Null: the whole set of overrides is legal. Else a sentence about the first name or value that is refused. */
  refusal(configs: ReadonlyMap<string, string>): string | null;
  /** The name under which a config is recorded, where it has several; missing: each name stands for itself. */
  recordedAs?(name: string): string;
  /** Null: not a list. Else the list that holds without an override; "append" and "subtract" start from it. */
  listDefault(name: string): readonly string[] | null;
}

export interface ControllerFaults {
  /** A request that is asked again is carried out again (breaks C9). */
  readonly repeats?: boolean;
}

/** What a machine of the controller is made with. */
export interface ControllerEnvironment {
  settings(): ControllerSettings;
  readonly topicConfigs: ConfigRules;
  readonly brokerConfigs: ConfigRules;
  /** Of the default of all brokers; those of a broker where it is missing. */
  readonly brokerDefaultConfigs?: ConfigRules;
  /** Missing: consumer groups have no configs. */
  readonly groupConfigs?: ConfigRules;
  /** The highest term gossiped for a group (C6); see LeaderTable. */
  highestTerm(group: GroupId): Term;
  /** Bugs that tests plant. */
  readonly faults?: ControllerFaults;
  /** Whether a broker's journal has room for more replicas, as far as is known here; missing: it has. */
  hasRoom?(broker: BrokerId): boolean;
  /** How far the members of group 0 have come; missing where a machine stands alone. */
  quorum?(): Omit<ControllerReply<"describe-quorum">, "kind">;
}

export type ControllerContext = HandlerContext & ControllerEnvironment;

/** One handler per kind of request. Decides and changes nothing. */
export type Handler<K extends ControllerKind> = (
  state: Readonly<ClusterState>,
  request: ControllerRequest<K>,
  context: ControllerContext,
) => Result<Decision<ControllerRecord, ControllerReply<K>>, ControllerFault>;

export function refuse(kind: ControllerFaultKind, detail: string): Failed<ControllerFault> {
  return failed({ kind, detail });
}
