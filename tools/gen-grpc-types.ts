// Writes internal/grpc/generated/.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GENERATED, grpcTypes } from "./grpc-types.ts";

const folder = join(import.meta.dirname, "..", "internal", "grpc", "generated");
mkdirSync(folder, { recursive: true });
for (const [name, file] of Object.entries(GENERATED)) {
  writeFileSync(join(folder, name), grpcTypes(file));
}
