// Finds and reads the .proto files that this server speaks. They lie at the same place relative to this file in the
// source tree and in dist/. Each is read once per process, however many brokers run in it, and on its own: no file
// imports another, so a root holds exactly one file.
import protobuf from "protobufjs";

/** Paths below proto/, as reflection names them. */
export const PROTO_FILES = [
  "flotilla/v1/log.proto",
  "flotilla/v1/admin.proto",
  "grpc/health/v1/health.proto",
  "grpc/reflection/v1/reflection.proto",
  "grpc/reflection/v1alpha/reflection.proto",
] as const;

export type ProtoFile = (typeof PROTO_FILES)[number];

const FOLDER = `${import.meta.dirname}/../../proto`;
const roots = new Map<ProtoFile, protobuf.Root>();

/** Fails when the file is missing or wrong: the installation is broken then. */
export function loadProto(file: ProtoFile): protobuf.Root {
  let root = roots.get(file);
  if (root === undefined) {
    root = new protobuf.Root().loadSync(`${FOLDER}/${file}`);
    root.resolveAll();
    roots.set(file, root);
  }
  return root;
}
