// Every test runs with lent bytes overwritten when they come back, so that what was kept without a copy is seen.
import { spoilLentBytes } from "../internal/base/lent.ts";

const POISON = 0xdb;

spoilLentBytes((bytes, start, end) => void bytes.fill(POISON, start, end));
