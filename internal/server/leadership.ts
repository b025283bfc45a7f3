// Who should lead: what the image says of brokers that may take leaderships, and whether the preferred replica of a group,
// the first of its placement, could take over from this broker now. Everything that moves leadership on purpose asks here.
import type { MetadataImage } from "../cluster/image.ts";
import type { BrokerId, ReplicaId } from "../model/ids.ts";
import type { Unfitness } from "../replica/hand-over.ts";
import type { MultiRaft } from "../replica/multi-raft.ts";
import type { Replica } from "../replica/replica.ts";
import { reachedRevision } from "./reconfiguration.ts";

export type Preference =
  /** This broker is preferred, or the group has no placement (the controller's own has none). */
  | { readonly is: "here" }
  | { readonly is: "fit"; readonly to: ReplicaId }
  | { readonly is: "unfit"; readonly why: Unfitness | "not-live" };

export class Leadership {
  readonly #image: MetadataImage;
  readonly #raft: MultiRaft;

  constructor(image: MetadataImage, raft: MultiRaft) {
    this.#image = image;
    this.#raft = raft;
  }

  /** Whether a broker is one to give leaderships to: the controller counts on it, and it is not about to stop. */
  mayLead(broker: BrokerId): boolean {
    const known = this.#image.broker(broker);
    return known !== null && !known.fenced && !known.draining;
  }

  /** Of a group that is led here. */
  preferenceOf(replica: Replica): Preference {
    const placement = this.#image.placementOfGroup(replica.group);
    const preferred = placement?.replicas[0];
    if (placement === null || preferred === undefined) return { is: "here" };
    if (preferred.replica === replica.self) return { is: "here" };
    const { broker, directory } = preferred;
    const isLive = this.mayLead(broker) && this.#image.broker(broker)?.directory === directory;
    if (!isLive) return { is: "unfit", why: "not-live" };
    // The group is on its way to another placement: when it has arrived, it is looked at again (C4).
    const { revision } = replica.machine.configuration;
    if (reachedRevision(placement.revision) > revision) return { is: "unfit", why: "changing" };
    const why = this.#raft.unfitness(replica, preferred.replica);
    return why === null ? { is: "fit", to: preferred.replica } : { is: "unfit", why };
  }
}
