// Clients in Python: librdkafka's, an old one from Debian and a recent one from pip, and the two that are Python throughout.
import type { Client, DriverProgram } from "../client.ts";
import { debianPython, pythonDriver, pythonWith } from "../python.ts";

/** Rows of one kind share one environment, so that what they need is installed once. */
function fromPip(
  name: string,
  packages: readonly string[],
  file: string,
  options: Omit<DriverProgram, "command"> = {},
): Client {
  const [first = name] = packages;
  return {
    name,
    source: `Python package ${first}`,
    isSlow: true,
    async reach(around) {
      const python = await pythonWith(around, first, packages);
      return { driver: { ...pythonDriver(python, file), ...options } };
    },
  };
}

export const confluentPythonDebian: Client = {
  name: "confluent-kafka-python of Debian",
  source: "Debian package python3-confluent-kafka",
  isSlow: false,
  quickKills: ["idempotent, kills"],
  async reach(around) {
    const name = "python3-confluent-kafka";
    const { python, path } = await debianPython(around, "confluent_kafka", name);
    return { driver: pythonDriver(python, "confluent.py", path) };
  },
};

const CONFLUENT = ["confluent-kafka==2.16.1"];

export const confluentPython = fromPip("confluent-kafka-python", CONFLUENT, "confluent.py");

/** Everything but groups is the same code as in the row above. */
export const confluentPythonNewGroups = fromPip(
  "confluent-kafka-python, group.protocol=consumer",
  CONFLUENT,
  "confluent.py",
  { protocol: "consumer", columns: ["group", "resume", "group, kills", "resume, kills"] },
);

const asksTheOldLeader =
  "A consumer that looks for its start position asks the old leader again and again after the leader moved, and does not look " +
  "for the new one (`_update_fetch_positions` in `fetcher.py`) until its metadata is five minutes old. The driver sets " +
  "`metadata_max_age_ms` to 2 s.";

const aiokafkaPlain = fromPip(
  "aiokafka",
  ["aiokafka==0.14.0", "cramjam==2.14.0", "lz4==4.4.5"],
  "aiokafka_driver.py",
);

const rememberedController =
  "`KafkaAdminClient` that remembers a controller that died goes on asking for it when that broker is back " +
  "(UnknownBrokerIdError for more than 20 s). The driver opens a new one for each call.";

const kafkaPythonPlain = fromPip(
  "kafka-python",
  ["kafka-python==3.0.12", "lz4==4.4.5", "python-snappy==0.7.3", "zstandard==0.25.0"],
  "kafka_python.py",
);

export const kafkaPython: Client = { ...kafkaPythonPlain, faults: [rememberedController] };
export const aiokafka: Client = { ...aiokafkaPlain, faults: [asksTheOldLeader] };
