// What AlterConfigs and IncrementalAlterConfigs have in common: checks of the request itself, one command to the
// controller for the resources that pass, and one answer per resource in the order of the request.
import type { ClusterService, ConfigChange, ConfigTarget } from "../service/cluster-service.ts";
import { ErrorCode } from "./codec/errors.ts";
import { configTarget, NO_RESOURCE } from "./config-codes.ts";
import { adminCode } from "./errors-table.ts";
import { ADMIN_MS_MAX } from "./limits.ts";
import { repeatedKeys } from "./repeated.ts";

export interface WantedResource {
  readonly resourceType: number;
  readonly resourceName: string;
  /** Null: an operation that does not exist. */
  readonly changes: readonly (ConfigChange | null)[];
}

export interface ResourceAnswer {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly resourceType: number;
  readonly resourceName: string;
}

export async function alterResources(
  cluster: ClusterService,
  resources: readonly WantedResource[],
  mode: "replace" | "incremental",
  validateOnly: boolean,
): Promise<ResourceAnswer[]> {
  const repeated = repeatedKeys(resources.map(keyOf));
  const answers: ResourceAnswer[] = [];
  const places: number[] = [];
  const commands: { of: ConfigTarget; changes: readonly ConfigChange[] }[] = [];
  for (const resource of resources) {
    const { resourceType, resourceName } = resource;
    const of = configTarget(resourceType, resourceName);
    const errorMessage = repeated.has(keyOf(resource))
      ? "The request names this resource more than once."
      : refusalOf(of, resource);
    if (errorMessage === null && of !== null) {
      places.push(answers.length);
      commands.push({ of, changes: resource.changes as readonly ConfigChange[] });
    }
    const errorCode = ErrorCode.INVALID_REQUEST;
    answers.push({ errorCode, errorMessage, resourceType, resourceName });
  }
  if (commands.length === 0) return answers;
  const outcomes = await cluster.alterConfigs(commands, mode, validateOnly, ADMIN_MS_MAX);
  outcomes.forEach((outcome, index) => {
    const place = places[index];
    if (place === undefined) return;
    const errorCode = outcome.ok ? ErrorCode.NONE : adminCode(outcome.fault);
    const errorMessage = outcome.ok ? null : outcome.fault.detail;
    answers[place] = { ...(answers[place] as ResourceAnswer), errorCode, errorMessage };
  });
  return answers;
}

function refusalOf(of: ConfigTarget | null, { changes }: WantedResource): string | null {
  if (of === null) return NO_RESOURCE;
  if (changes.includes(null))
    return "An operation is 0 (set), 1 (delete), 2 (append) or 3 (subtract).";
  const known = changes as readonly ConfigChange[];
  if (repeatedKeys(known.map(({ name }) => name)).size > 0) {
    return "The request names a config more than once.";
  }
  const lacksValue = known.some(({ operation, value }) => operation !== "delete" && value === null);
  return lacksValue ? "A config that is not deleted needs a value." : null;
}

function keyOf({ resourceType, resourceName }: WantedResource): string {
  return `${resourceType} ${resourceName}`;
}
