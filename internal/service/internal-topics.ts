// Makes an internal topic at its first use (C7): replicated from the beginning, so until enough brokers are there for
// that, there is no topic and no coordinator.
import type { ControllerClient } from "../cluster/controller-requests.ts";
import type { MetadataImage } from "../cluster/image.ts";
import { newTopicId } from "../cluster/topic-name.ts";
import type { Entropy } from "../ports/entropy.ts";

export interface InternalTopicParts {
  readonly image: MetadataImage;
  readonly controller: ControllerClient;
  readonly entropy: Entropy;
  /** min(3, size of initial.brokers), or more where the cluster has grown since. */
  readonly factor: () => number;
}

const CONFIGS = [{ name: "cleanup.policy", value: "compact" }];

export class InternalTopics {
  readonly #parts: InternalTopicParts;
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(parts: InternalTopicParts) {
    this.#parts = parts;
  }

  /** Resolves when the topic is there and can be used, or when it cannot be for now: look at the image. */
  ensure(name: string, partitions: number, withinMs: number): Promise<void> {
    const { image, factor } = this.#parts;
    if (image.topicNamed(name) !== null) return Promise.resolve();
    if (image.unfencedBrokers().length < factor()) return Promise.resolve();
    const known = this.#underWay.get(name);
    if (known !== undefined) return known;
    const creation = this.#create(name, partitions, withinMs).finally(() =>
      this.#underWay.delete(name),
    );
    this.#underWay.set(name, creation);
    return creation;
  }

  /** Another broker may be faster ("topic-exists"); of all other refusals the asker hears by the topic's absence. */
  async #create(name: string, partitions: number, withinMs: number): Promise<void> {
    const { controller, entropy, factor } = this.#parts;
    const topicId = newTopicId(entropy);
    const shape = { partitions, factor: factor(), assignments: [], configs: CONFIGS };
    const topic = { topicId, name, ...shape };
    await controller.request<"create-topics">(
      { kind: "create-topics", topics: [topic], validateOnly: false, readyWithinMs: withinMs },
      withinMs,
    );
  }
}
