#!/usr/bin/env node
// The program `flotilla`: the command line of the broker, of local clusters and of a client.
import { runProgram } from "./program.ts";
import { ProcessTerminal } from "./terminal.ts";

const terminal = new ProcessTerminal();
const exitCode = await runProgram(process.argv.slice(2), terminal);
await terminal.flush();
// Not when nothing is left to do: a connection whose other side does not answer would hold up the end by seconds.
process.exit(exitCode);
